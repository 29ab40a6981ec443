"""The command `headwater`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from headwater import __version__
from headwater.cli import (
    alerts,
    backfill,
    config,
    correlate,
    data,
    deliver,
    demo,
    destinations,
    detections,
    lake,
    lookups,
    objects,
    onboard,
    packs,
    queries,
    rejects,
    requeue,
    schema,
    serve,
    sources,
    state,
)
from headwater.errors import ConfigError, HeadwaterError

EXIT_FAILED = 1
EXIT_CONFIG = 2

app = typer.Typer(
    name="headwater",
    help="An open security-log service for all the AWS accounts a platform team runs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headwater {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """An open security-log service for all the AWS accounts a platform team runs."""


app.command("run")(serve.run)
app.command("deliver")(deliver.deliver)
app.command("ingest")(data.ingest)
app.command("backfill")(backfill.backfill)
app.command("reconcile")(backfill.reconcile)
app.command("requeue")(requeue.requeue)
app.command("parse")(data.parse)
app.command("notice")(data.notice)
app.command("query")(data.query)
app.command("correlate")(correlate.correlate)
app.command("demo")(demo.demo)
app.add_typer(alerts.app, name="alerts")
app.add_typer(destinations.app, name="destinations")
app.add_typer(detections.app, name="detections")
app.add_typer(packs.app, name="packs")
app.add_typer(lookups.app, name="lookups")
app.add_typer(queries.app, name="queries")
app.add_typer(objects.app, name="objects")
app.add_typer(rejects.app, name="rejects")
app.add_typer(sources.app, name="sources")
app.add_typer(onboard.app, name="onboard")
app.add_typer(schema.app, name="schema")
app.add_typer(config.app, name="config")
app.add_typer(lake.app, name="lake")
app.add_typer(state.app, name="state")


def main() -> None:
    """Run the command line; our errors become one readable message and an exit code (2: a file or setting is wrong)."""
    try:
        app()
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(f"error: {problem}", err=True)
        sys.exit(EXIT_CONFIG)
    except HeadwaterError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(EXIT_FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()
