"""`headwater demo`: the whole service against a local AWS of three accounts, and everything cleaned up after it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from headwater.accounts import Accounts, load_accounts
from headwater.demo import central, customers
from headwater.demo.aws_server import LocalAws, start
from headwater.demo.environment import aws_environment
from headwater.demo.samples import CUSTOMERS, SampleObject, sample_objects
from headwater.errors import OnboardError
from headwater.onboard import cloudformation, driver, terraform
from headwater.onboard.arrival import Arrivals
from headwater.onboard.driver import Row, Setup
from headwater.onboard.plan import plan
from headwater.onboard.sessions import Sessions
from headwater.settings import Settings

FOLDER = "demo"
Drain = Callable[[Settings, Accounts], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """What the demonstration did; the lake and the alerts stay where `settings` says.

    steps: name → seconds, in order. verified: the checks of each account.
    """

    settings: Settings
    accounts: Accounts
    samples: tuple[SampleObject, ...]
    verified: tuple[Row, ...]
    steps: Mapping[str, float]

    @property
    def rows(self) -> int:
        """Rows that the lake should hold."""
        return sum(sample.rows - sample.bad for sample in self.samples)

    @property
    def bad_rows(self) -> int:
        """Rows that should be rejects."""
        return sum(sample.bad for sample in self.samples)


@dataclass(slots=True)
class Demo:
    """One run. folder: everything it writes."""

    folder: Path
    console: Console
    drain: Drain
    aws: LocalAws
    steps: dict[str, float] = field(default_factory=dict)

    @property
    def sessions(self) -> Sessions:
        """Sessions of the static credentials."""
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return Sessions(central.REGION, keys, self.aws.url)

    @property
    def accounts_file(self) -> Path:
        """The generated accounts.yml."""
        return self.folder / "accounts.yml"

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Say what happens, and how long it took."""
        started = time.monotonic()
        with self.console.status(f"{name} …"):
            yield
        self.steps[name] = time.monotonic() - started
        self.console.print(f"[green]✓[/green] {name} [dim]{self.steps[name]:.1f} s[/dim]")


def run_demo(home: Path, *, use_terraform: bool, console: Console, drain: Drain) -> Summary:
    """Onboard two customers of a local AWS, take in their logs, run detections.

    home: a folder `demo` in it is made anew. drain: works off the queue that the settings name.
    Raises: OnboardError where a step fails; what was made is removed all the same.
    """
    folder = (home / FOLDER).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with start(pending_subscriptions=True) as aws, aws_environment(aws.environment), ExitStack() as cleanup:
        demo = Demo(folder, console, drain, aws)
        return _onboard_and_ingest(demo, cleanup, use_terraform=use_terraform)


def _onboard_and_ingest(demo: Demo, cleanup: ExitStack, *, use_terraform: bool) -> Summary:
    with demo.step("Customers: two accounts with encrypted log buckets"):
        key_arns = {customer: customers.make_bucket(customer, demo.sessions) for customer in CUSTOMERS}
        demo.accounts_file.write_text(customers.accounts_document(key_arns), encoding="utf-8")
    with demo.step(f"Central account by {'Terraform' if use_terraform else 'boto3'}: queue, keys, worker role"):
        made = _central(demo, cleanup, use_terraform=use_terraform)
    setup = _setup(demo)
    with demo.step(f"Onboard both customers by {'Terraform' if use_terraform else 'CloudFormation'}"):
        _onboard(demo, setup, cleanup, use_terraform=use_terraform)
    accounts = load_accounts(demo.accounts_file)
    with demo.step("Verify: roles open to the worker alone, a test message reaches the queue"):
        verified = _require_success(driver.run_verify(accounts.accounts, accounts.central, setup, Arrivals()))
    settings, samples = _settings(demo, made), sample_objects()
    with demo.step(f"Customers' AWS services write {len(samples)} log objects"):
        customers.upload(samples, demo.sessions)
    with demo.step("Worker: read, decrypt, normalise, detect, commit until the queue is empty"):
        _as_worker(demo, made, settings, accounts)
    return Summary(settings, accounts, samples, verified, demo.steps)


def _central(demo: Demo, cleanup: ExitStack, *, use_terraform: bool) -> central.CentralAccount:
    if not use_terraform:
        return central.by_boto3(demo.sessions)
    state = central.terraform_state(demo.folder / "central", demo.aws.environment)
    cleanup.callback(_remove, demo, "central account", lambda: terraform.destroy(state, {}))
    return central.by_terraform(state)


def _setup(demo: Demo) -> Setup:
    return driver.setup_for(
        demo.folder,
        demo.accounts_file,
        demo.sessions,
        environment=demo.aws.environment,
        parallelism=len(CUSTOMERS),
    )


def _onboard(demo: Demo, setup: Setup, cleanup: ExitStack, *, use_terraform: bool) -> None:
    plans = plan(load_accounts(demo.accounts_file), {})
    if not use_terraform:
        _require_success(cloudformation.run("apply", plans, setup))
        return
    cleanup.callback(_remove, demo, "customers", lambda: _require_success(driver.run("destroy", plans, setup)))
    _require_success(driver.run("apply", plans, setup))


def _remove(demo: Demo, what: str, destroy: Callable[[], object]) -> None:
    with demo.step(f"Clean up: terraform destroy, {what}"):
        destroy()


def _require_success(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    failed = [f"{row.account_name}: {row.detail}" for row in rows if row.outcome == "failed"]
    if failed:
        raise OnboardError("; ".join(failed))
    return rows


def _settings(demo: Demo, made: central.CentralAccount) -> Settings:
    """Local state and lake; the queue in the local AWS. Environment variables of the user's do not reach in."""
    return Settings(
        home=demo.folder,
        accounts_file=demo.accounts_file,
        region=central.REGION,
        queue_url=made.queue_url,
        dead_letter_queue_url=made.dead_letter_queue_url,
        state_url=None,
        lake_catalog="sqlite",
        lake_warehouse=None,
        detections=(),
        alerts_file=None,
        alerts_topic_arn=None,
        lag_limit_s=1e9,  # the demo's events are of a fixed day
    )


def _as_worker(demo: Demo, made: central.CentralAccount, settings: Settings, accounts: Accounts) -> None:
    """Drain the queue with the credentials of the worker's role, as its task would have them."""
    session = demo.sessions.assume(demo.sessions.ours(), made.worker_role_arn, "worker", central.REGION)
    keys = session.get_credentials()
    if keys is None:
        raise OnboardError(f"{made.worker_role_arn} gave no credentials")
    variables = {
        **demo.aws.environment,
        "AWS_ACCESS_KEY_ID": str(keys.access_key),
        "AWS_SECRET_ACCESS_KEY": str(keys.secret_key),
        "AWS_SESSION_TOKEN": str(keys.token),
    }
    with aws_environment(variables):
        demo.drain(settings, accounts)
