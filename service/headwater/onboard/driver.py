"""plan, apply, destroy and verify for many accounts side by side; one failed account stops no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from headwater.accounts.lock import LockedAccount, lock_path, read_lock, write_lock
from headwater.accounts.model import Account, Central
from headwater.errors import HeadwaterError, OnboardError
from headwater.onboard import assets, notifications, subscriptions, terraform
from headwater.onboard.arrival import Arrivals
from headwater.onboard.link import links
from headwater.onboard.plan import AccountPlan, Unit
from headwater.onboard.root import MODULE, Backend, variables, write_root
from headwater.onboard.sessions import Sessions
from headwater.onboard.verify import Check, verify

Action = Literal["plan", "apply", "destroy", "status", "import"]
Outcome = Literal["changed", "unchanged", "verified", "failed", "absent"]
Progress = Callable[[str, str], None]
ROLE = f"module.{MODULE}.aws_iam_role.this[0]"
PARALLELISM = 4  # a run takes up to 1.1 GB of memory


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one account."""

    account_id: str
    account_name: str
    outcome: Outcome
    detail: str
    elapsed_s: float
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """Where the onboarding works and with what.

    folder: HEADWATER_HOME/onboard. environment: for Terraform, besides that of this process. progress: called from
    several threads with an account's id and the step it begins.
    """

    folder: Path
    lock_file: Path
    sessions: Sessions
    module: Path
    backend: Backend
    plugins: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    parallelism: int = PARALLELISM
    progress: Progress = lambda account_id, step: None

    @property
    def root(self) -> Path:
        """The generated Terraform root."""
        return self.folder / "root"

    @property
    def prepared(self) -> Path:
        """Data folder of the root itself, before any state."""
        return self.folder / "data" / "init"

    @property
    def providers(self) -> Path:
        """Where every state takes its providers from: one mirror, or what was fetched once for the root."""
        return self.plugins or self.prepared / "providers"


class Lock:
    """accounts.lock.json, changed entry by entry from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()

    def put(self, account_id: str, entry: LockedAccount) -> None:
        """Add or replace an account."""
        with self._guard:
            write_lock(self._path, {**read_lock(self._path), account_id: entry})

    def drop(self, account_id: str) -> None:
        """Forget an account."""
        with self._guard:
            write_lock(self._path, {id_: entry for id_, entry in read_lock(self._path).items() if id_ != account_id})


def run(action: Action, plans: Sequence[AccountPlan], setup: Setup) -> tuple[Row, ...]:
    """Do one action for every plan; a row each, in order.

    Raises: OnboardError where Terraform itself cannot start: nothing was done then.
    """
    write_root(setup.root, setup.module, setup.backend)
    terraform.prepare(setup.root, setup.prepared, setup.plugins, setup.environment)
    lock = Lock(setup.lock_file)
    steps = {"plan": _plan, "apply": _apply, "destroy": _destroy, "status": _status, "import": _import}
    step = steps[action]
    return side_by_side(setup, [(plan.account, partial(step, plan, setup, lock)) for plan in plans])


def run_verify(
    accounts: Sequence[Account], central: Central, setup: Setup, arrivals: Arrivals | None = None
) -> tuple[Row, ...]:
    """Prove every account; a row each, with its checks. arrivals: waits for test messages; None sends none."""
    return side_by_side(setup, [(account, partial(_verify, account, central, setup, arrivals)) for account in accounts])


Done = tuple[Outcome, str, tuple[Check, ...]]


def side_by_side(setup: Setup, jobs: Sequence[tuple[Account, Callable[[], Done]]]) -> tuple[Row, ...]:
    """Do the jobs of many accounts, some at a time; one that raises becomes a failed row."""
    with ThreadPoolExecutor(max(1, setup.parallelism), thread_name_prefix="onboard") as pool:
        return tuple(pool.map(lambda job: _row(*job), jobs))


def _row(account: Account, job: Callable[[], Done]) -> Row:
    started = time.monotonic()
    try:
        outcome, detail, checks = job()
    except (HeadwaterError, ClientError, BotoCoreError, OSError) as error:
        outcome, detail, checks = "failed", str(error), ()
    return Row(account.id, account.name, outcome, detail, time.monotonic() - started, checks)


def _plan(plan: AccountPlan, setup: Setup, lock: Lock) -> Done:
    _check_notifications(plan, setup)
    summaries: list[str] = []
    changes = False
    for unit in plan.units:
        state = _connected(unit, setup)
        setup.progress(unit.account_id, f"plan {unit.region}")
        planned = terraform.plan(state, variables(unit))
        changes, summaries = changes or planned.changes, [*summaries, planned.summary]
    return "changed" if changes else "unchanged", "; ".join(summaries), ()


def _status(plan: AccountPlan, setup: Setup, lock: Lock) -> Done:
    """How what there is differs from accounts.yml: what somebody changed by hand, and what was not applied yet."""
    differences: dict[str, str] = {}
    for unit in plan.units:
        state = _connected(unit, setup)
        setup.progress(unit.account_id, f"compare {unit.region}")
        if not terraform.addresses(state):
            return "absent", f"not onboarded in {unit.region}", ()
        differences |= terraform.plan(state, variables(unit)).resources
    told = "; ".join(f"{address} {what}" for address, what in differences.items())
    return ("changed", told, ()) if differences else ("unchanged", "as in accounts.yml", ())


def _import(plan: AccountPlan, setup: Setup, lock: Lock) -> Done:
    """Take a reader role that exists into the account's state; the next apply makes it what it should be."""
    unit = plan.units[0]
    name = plan.account.role_name
    if name is None:
        raise OnboardError("accounts.yml gives role_arn: that role is yours, and no state holds it")
    lock.put(plan.account.id, LockedAccount(plan.external_id))
    state = _connected(unit, setup)
    if ROLE in terraform.addresses(state):
        return "unchanged", f"{name} is in the state already", ()
    setup.progress(unit.account_id, f"import {name}")
    terraform.import_resource(state, variables(unit), ROLE, name)
    return "changed", f"imported the role {name}; `headwater onboard plan` shows what apply would change", ()


def _apply(plan: AccountPlan, setup: Setup, lock: Lock) -> Done:
    _check_notifications(plan, setup)
    lock.put(plan.account.id, LockedAccount(plan.external_id))  # before the role: an ExternalId is never lost
    summaries: list[str] = []
    topics: dict[str, str] = {}
    role_arn = plan.account.role_arn
    for unit in plan.units:
        state = _connected(unit, setup)
        setup.progress(unit.account_id, f"apply {unit.region}")
        summaries.append(terraform.apply(state, variables(unit)))
        outputs = terraform.output(state)
        topics |= outputs.get("topic_arns", {})
        role_arn = outputs.get("role_arn", role_arn) if unit.makes_role else role_arn
    subscriptions.subscribe(plan.managed_topics(topics), plan.central, setup.sessions)
    lock.put(plan.account.id, LockedAccount(plan.external_id, role_arn, tuple(sorted(set(topics.values())))))
    unchanged = all(" 0 added, 0 changed, 0 destroyed" in summary for summary in summaries)
    return "unchanged" if unchanged else "changed", "; ".join(summaries), ()


def _check_notifications(plan: AccountPlan, setup: Setup) -> None:
    """Raises: OnboardError where a bucket notifies somebody already whom mode `sns` would remove."""
    setup.progress(plan.account.id, "check notifications")
    if problems := notifications.problems(plan.account, setup.sessions):
        raise OnboardError("; ".join(problems))


def _destroy(plan: AccountPlan, setup: Setup, lock: Lock) -> Done:
    summaries: list[str] = []
    for unit in reversed(plan.units):
        state = _connected(unit, setup)
        setup.progress(unit.account_id, f"destroy {unit.region}")
        topics = terraform.output(state).get("topic_arns", {})
        subscriptions.unsubscribe(plan.managed_topics(topics), plan.central, setup.sessions)
        summaries.append(terraform.destroy(state, variables(unit)))
    lock.drop(plan.account.id)
    return "changed", "; ".join(summaries), ()


def _verify(account: Account, central: Central, setup: Setup, arrivals: Arrivals | None) -> Done:
    setup.progress(account.id, "verify")
    checks = verify(account, central, setup.sessions)
    setup.progress(account.id, "verify notifications")
    checks += links(account, central, setup.sessions, arrivals)
    failed = [check for check in checks if not check.ok]
    if failed:
        return "failed", "; ".join(f"{check.name}: {check.detail}. {check.fix}".strip() for check in failed), checks
    passed = sum(check.checked for check in checks)
    left_out = f", {len(checks) - passed} not checked" if passed < len(checks) else ""
    return "verified", f"{passed} checks passed{left_out}", checks


def _connected(unit: Unit, setup: Setup) -> terraform.State:
    setup.progress(unit.account_id, f"init {unit.region}")
    data_dir = setup.folder / "data" / f"{unit.account_id}-{unit.region}"
    state = terraform.State(setup.root, data_dir, setup.backend.arguments(unit), setup.environment)
    terraform.init(state, setup.providers)
    return state


def setup_for(
    home: Path,
    accounts_file: Path,
    sessions: Sessions,
    *,
    environment: Mapping[str, str],
    module: Path | None = None,
    backend_bucket: str | None = None,
    progress: Progress | None = None,
    parallelism: int = PARALLELISM,
) -> Setup:
    """The usual setup: everything under HEADWATER_HOME/onboard, the lock beside accounts.yml.

    environment: of this process, plus what Terraform should see. Raises: OnboardError where the module is missing.
    """
    folder = (home / "onboard").absolute()
    return Setup(
        folder=folder,
        lock_file=lock_path(accounts_file),
        sessions=sessions,
        module=module or assets.module_path("customer_account"),
        backend=Backend(folder / "state", backend_bucket, sessions.region),
        plugins=assets.plugin_folder(environment),
        environment=environment,
        parallelism=parallelism,
        progress=progress or (lambda account_id, step: None),
    )
