"""Push many objects of 50 accounts through the service while calls fail and workers are killed: soak [OBJECTS]

`headwater run` in several processes, state in PostgreSQL, the lake in Glue and S3; scripts/soak/aws.py is the AWS, and
says which parts of it are moto. One object of a hundred has each of the faults, one call of a hundred fails in each
way, one message of a hundred comes twice; every 20 seconds a worker is killed, and now and then all sessions of the
database or a whole service. At the end every object is accounted for, or the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import oracle
import psycopg
from fleet import Fleet
from objects import RATE, Thing, draw, messages
from setting import SETTINGS, client, credentials, environment, local_aws, postgresql, prepare

from aws import REGION
from headwater.lake.catalog import open_catalog

LOOK_EVERY_S = 2.0
DELIVERED = "SELECT count(*) FROM outbox WHERE status = 'pending'"


def main() -> int:
    """Run it, and print what came of it as a table and as JSON."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("objects", nargs="?", type=int, default=200_000)
    parser.add_argument("--services", type=int, default=2, help="`headwater run` commands, each with two processes")
    parser.add_argument("--kill-every-s", type=float, default=20.0)
    parser.add_argument("--limit-s", type=float, default=7200, help="give up after so long")
    parser.add_argument("--folder", type=Path, help="keep logs and alerts here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headwater-soak-", ignore_cleanup_errors=True) as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result = run(options, folder)
    for name, value in result.items():
        print(f"{name:>20}  {value}")
    print(json.dumps(result))
    return 0 if result["ok"] else 1


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One soak; what it found."""
    chance = random.Random(6)  # noqa: S311 - the same objects on every run
    every = draw(options.objects, chance)
    with local_aws(RATE) as url, postgresql() as state_url:
        os.environ.update(credentials(url))
        prepare(folder, url)
        variables = environment(folder, url, state_url)
        send(variables["HEADWATER_QUEUE_URL"], messages(every, chance))
        fleet = Fleet(folder, variables, options.services, chance)
        started = time.monotonic()
        try:
            finished = watch(fleet, state_url, variables["HEADWATER_QUEUE_URL"], every, options)
            elapsed = time.monotonic() - started
        finally:
            stopped = fleet.stop()
        dead = list(drain(variables["HEADWATER_DEAD_LETTER_QUEUE_URL"]))
        os.environ.update({name: value for name, value in variables.items() if name.startswith("AWS_")})
        warehouse = str(SETTINGS["lake_warehouse"])
        catalog = open_catalog("glue", warehouse, home=folder / "home", region=REGION)
        found = oracle.check(every, oracle.look(state_url, catalog, folder / "alerts.jsonl", dead))
        faults = told(url)
    summary = {"objects": len(every), "minutes": round(elapsed / 60, 1), "objects_per_s": round(len(every) / elapsed)}
    whole = {**summary, "finished": finished, "stopped_cleanly": stopped, **fleet.summary(), "faults": faults, **found}
    return whole | {"ok": bool(found["ok"] and finished and whole["memory_flat"])}


def send(queue_url: str, bodies: Sequence[str]) -> None:
    """Put all notifications into the queue."""
    sqs = client("sqs")
    for start in range(0, len(bodies), 10):
        entries = [{"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies[start : start + 10])]
        sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)


def watch(fleet: Fleet, state_url: str, queue_url: str, every: Sequence[Thing], options: argparse.Namespace) -> bool:
    """Kill and look until all is done; False where that took too long."""
    sqs = client("sqs")
    wanted = sum(thing.kind != "unknown" for thing in every)
    started = said = time.monotonic()
    struck = started - options.kill_every_s / 2  # the first one comes sooner
    while time.monotonic() - started < options.limit_s:
        time.sleep(LOOK_EVERY_S)
        fleet.look()
        now = time.monotonic()
        if now - struck >= options.kill_every_s:
            struck = now
            fleet.strike(state_url)
        ends, pending = progress(state_url)
        waiting = depth(sqs, queue_url)
        settled = ends.get("done", 0) + ends.get("failed", 0)
        if now - said >= 10:
            said = now
            rate = settled / (now - started)
            print(f"{now - started:6.0f} s  {settled}/{wanted} objects, {rate:.0f}/s, {waiting} messages", flush=True)
        if settled == wanted and not waiting and not pending:
            return True
    return False


def progress(state_url: str) -> tuple[Mapping[str, int], int]:
    """Objects by status, and deliveries that are still to be made."""
    try:
        with psycopg.connect(state_url) as connection:
            ends = dict(connection.execute("SELECT status, count(*) FROM objects GROUP BY 1").fetchall())
            return ends, connection.execute(DELIVERED).fetchall()[0][0]
    except psycopg.errors.UndefinedTable:  # the service has only been started
        return {}, 1


def depth(sqs: Any, queue_url: str) -> int:
    """Messages that wait or are in hand."""
    counts = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
    return sum(int(count) for count in counts.values())


def drain(queue_url: str) -> Iterator[Mapping[str, Any]]:
    """All messages of a queue."""
    sqs = client("sqs")
    while found := sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=43_200, MessageAttributeNames=["All"]
    ).get("Messages"):
        yield from found


def told(url: str) -> dict[str, int]:
    """The faults that happened."""
    with urllib.request.urlopen(f"{url}/soak/told") as answer:  # noqa: S310 - our own server
        counted: dict[str, int] = json.load(answer)
    return counted


if __name__ == "__main__":
    sys.exit(main())
