"""An AWS of several accounts on loopback: moto, with the gaps filled, in a child process.

Credentials `testing`/`testing` belong to no role and may do everything; credentials from sts:AssumeRole act in the
account of the role's ARN and are held to its trust policy and permissions.

    with start() as aws:
        boto3.client("s3", **aws.client_arguments)

On the command line: python -m headwater.demo.aws_server --port 5600
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headwater.errors import OnboardError

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

BOOTSTRAP_ROLES = ("OrganizationAccountAccessRole", "headwater-deploy")
START_TIMEOUT_S = 60.0  # importing moto's services takes 3 s on an idle core
STOP_TIMEOUT_S = 5.0
READY = "ready "


@dataclass(frozen=True, slots=True)
class LocalAws:
    """A running local AWS."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables that send boto3, Terraform and PyIceberg here, and keep them from the real AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    @property
    def client_arguments(self) -> dict[str, str]:
        """Keyword arguments of boto3.client for the static credentials."""
        return {
            "endpoint_url": self.url,
            "region_name": "us-east-1",
            "aws_access_key_id": "testing",
            "aws_secret_access_key": "testing",
        }


@contextmanager
def start(
    port: int = 0, *, bootstrap_roles: Sequence[str] = BOOTSTRAP_ROLES, pending_subscriptions: bool = False
) -> Iterator[LocalAws]:
    """A local AWS for the length of a with-statement; port 0 takes a free one.

    bootstrap_roles: names of roles that may be assumed in any account although nobody made them.
    pending_subscriptions: as in AWS, subscriptions across accounts wait for their confirmation.
    Raises: OnboardError when the server does not come up.
    """
    command = [sys.executable, "-m", "headwater.demo.aws_server", "--port", str(port)]
    command += ["--bootstrap-roles", ",".join(bootstrap_roles), "--until-stdin-closes"]
    command += ["--pending-subscriptions"] if pending_subscriptions else []
    process = subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=_environment(),
        start_new_session=True,  # Ctrl-C is for the parent, which still needs the server to clean up
    )
    try:
        yield LocalAws(_wait_until_ready(process))
    finally:
        _stop(process)


def _environment() -> Mapping[str, str]:
    """The child's environment without proxies and account overrides, which would lead its calls astray."""
    unwanted = {"AWS_ENDPOINT_URL", "MOTO_ACCOUNT_ID", "MOTO_PORT"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def _wait_until_ready(process: subprocess.Popen[str]) -> str:
    """The URL that the child prints once it listens."""
    watchdog = threading.Timer(START_TIMEOUT_S, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(READY):
                return line.removeprefix(READY).strip()
    finally:
        watchdog.cancel()
    raise OnboardError(
        "the local AWS did not start. Run `python -m headwater.demo.aws_server` to see why "
        "(it needs `pip install 'headwater[demo]'`)"
    )


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def main() -> None:
    """Serve until a signal comes, or, with --until-stdin-closes, until the parent is gone."""
    parser = argparse.ArgumentParser(prog="headwater.demo.aws_server", description="A local AWS of several accounts.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--bootstrap-roles", default=",".join(BOOTSTRAP_ROLES), help="roles that exist in every account"
    )
    parser.add_argument("--pending-subscriptions", action="store_true", help="subscriptions wait to be confirmed")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end together with the parent process")
    options = parser.parse_args()
    server = _server(options.port, options.bootstrap_roles.split(","), options.pending_subscriptions)
    if options.until_stdin_closes:
        threading.Thread(target=_exit_with_parent, daemon=True).start()
    sys.stdout.write(f"{READY}http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


def _server(port: int, bootstrap_roles: Sequence[str], pending_subscriptions: bool) -> BaseWSGIServer:
    """moto's application with our mends, listening. Imports here: moto reads its settings when it is imported."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    from headwater.demo import moto_access, moto_patches, moto_stacks  # noqa: F401, PLC0415

    moto_access.install(bootstrap_roles)
    moto_patches.install(pending_subscriptions=pending_subscriptions)
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)
    os.environ["MOTO_PORT"] = str(server.server_port)
    return server


def _exit_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
