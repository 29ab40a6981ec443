"""Terraform through python-terraform: the only file that imports it.

python-terraform 0.10.1 knows no time-out and no environment of its own, waits on a terminal, and logs variables and raw
output; so `cmd` is replaced here, and one instance serves one call of one thread.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged, IsNotFlagged
from python_terraform import Terraform as _PythonTerraform

from headwater.errors import OnboardError

NO_CHANGES, CHANGES = 0, 2  # plan -detailed-exitcode
TIMEOUT_S = 1800.0  # central takes 90 s; a throttled account some minutes
MAX_ERROR_CHARS = 2000
ERROR = re.compile(r"^Error: ", re.MULTILINE)
FRAME = re.compile(r"^[╷│╵]\s?", re.MULTILINE)  # Terraform draws a box around errors
SUMMARY = re.compile(r"^(?:Plan: .*|No changes\..*|Apply complete! .*|Destroy complete! .*)$", re.MULTILINE)
PLANNED = re.compile(r"^  # (\S+) ((?:will|must) be [a-z -]+?)(?:, as .*)?$", re.MULTILINE)
UNCONFIRMED = "confirmation: timeout"  # the provider waits two minutes for it
UNCONFIRMED_HINT = " The worker confirms subscriptions to existing topics: start it, then apply again."
UNWANTED = ("TF_WORKSPACE", "TF_CLI_ARGS", "TF_LOG")  # would act on other states, or log variables
QUIET = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
# Terraform and the provider live for seconds: collecting their garbage takes a third of their processor time, and keeps
# two runs on two cores from being faster than one.
COLLECT_LATE = {"GOGC": "off", "GOMEMLIMIT": "256MiB"}


class _Terraform(_PythonTerraform):  # type: ignore[misc]  # untyped library
    """python-terraform with a time-out, an environment and no terminal."""

    def __init__(self, root: Path, environment: Mapping[str, str], timeout_s: float) -> None:
        super().__init__(working_dir=str(root))
        self.environment = environment
        self.timeout_s = timeout_s

    def read_state_file(self, file_path: str | None = None) -> None:
        """Nothing: the state may lie elsewhere, and nobody reads it from here."""

    def cmd(self, cmd: str, *args: str, **kwargs: Any) -> tuple[int, str, str]:
        """Run one command to its end."""
        kwargs.pop("capture_output", None)
        kwargs.pop("raise_on_error", None)
        command = self.generate_cmd_string(cmd, *args, **kwargs)
        try:
            done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
                command,
                cwd=self.working_dir,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.timeout_s,
                text=True,
                check=False,
            )
        finally:
            self.temp_var_files.clean_up()
        return done.returncode, done.stdout, done.stderr


@dataclass(frozen=True, slots=True)
class State:
    """A root with one of its states: init has its own data folder, so that states of one root run side by side.

    backend: the arguments of the root's backend, e.g. {"path": …} or {"bucket": …, "key": …}.
    environment: variables besides those of this process.
    """

    root: Path
    data_dir: Path
    backend: Mapping[str, str]
    environment: Mapping[str, str]
    timeout_s: float = TIMEOUT_S


def prepare(root: Path, data_dir: Path, plugins: Path | None, environment: Mapping[str, str]) -> None:
    """Fetch providers and modules of a root once, and write its lock file, before states of it run side by side."""
    state = State(root, data_dir, {}, environment)
    _run(state, "init", backend=False, **_plugin_dir(plugins))


def init(state: State, plugins: Path | None = None) -> None:
    """Connect a root to its state."""
    _run(state, "init", backend_config=dict(state.backend), lockfile="readonly", **_plugin_dir(plugins))


@dataclass(frozen=True, slots=True)
class Planned:
    """What an apply would do. resources: address → what happens to it, in Terraform's words."""

    changes: bool
    summary: str
    resources: Mapping[str, str]


def plan(state: State, variables: Mapping[str, Any]) -> Planned:
    """Compare a state with what should be, and with what is; changes nothing."""
    code, out = _run(state, "plan", var=dict(variables), input=False, lock_timeout="60s", accept=(NO_CHANGES, CHANGES))
    return Planned(code == CHANGES, _summary(out), dict(PLANNED.findall(out)))


def import_resource(state: State, variables: Mapping[str, Any], address: str, resource_id: str) -> None:
    """Take a resource that exists into the state."""
    options = {"var": dict(variables), "input": False, "lock_timeout": "60s", "no_color": IsFlagged}
    _run(state, "import_cmd", address, resource_id, **options)


def addresses(state: State) -> frozenset[str]:
    """Every resource of a state; none where there is no state yet."""
    code, out = _run(state, "state_cmd", "list", accept=(0, 1))
    return frozenset(out.split()) if code == 0 else frozenset()


def apply(state: State, variables: Mapping[str, Any]) -> str:
    """Make it so; the summary line."""
    _, out = _run(state, "apply", var=dict(variables), skip_plan=True, lock_timeout="60s")
    return _summary(out)


def destroy(state: State, variables: Mapping[str, Any]) -> str:
    """Remove everything of the state; the summary line."""
    _, out = _run(state, "destroy", var=dict(variables), force=IsNotFlagged, auto_approve=IsFlagged, lock_timeout="60s")
    return _summary(out)


def output(state: State) -> dict[str, Any]:
    """The root's outputs."""
    values = _terraform(state).output() or {}
    return {name: value["value"] for name, value in values.items()}


def _run(
    state: State, command: str, *arguments: str, accept: tuple[int, ...] = (0,), **options: Any
) -> tuple[int, str]:
    terraform, name = _terraform(state), command.removesuffix("_cmd")  # some names are taken, as `import` by Python
    try:
        code, out, err = getattr(terraform, command)(*arguments, **options)
    except subprocess.TimeoutExpired as error:
        raise OnboardError(
            f"terraform {name} took longer than {state.timeout_s:.0f} s and was ended; its state may be locked"
        ) from error
    except FileNotFoundError as error:
        raise OnboardError(
            "terraform is not on PATH. Install Terraform 1.10 or newer, or use --no-terraform."
        ) from error
    if code not in accept:
        why = _first_error(err or out, options.get("var", {}))
        hint = UNCONFIRMED_HINT if UNCONFIRMED in why else ""
        raise OnboardError(f"terraform {name} failed: {why}{hint}")
    return code, out


def _terraform(state: State) -> _Terraform:
    logging.getLogger("python_terraform").disabled = True  # it logs variables and raw output
    environment = process_environment(os.environ, {**state.environment, "TF_DATA_DIR": str(state.data_dir)})
    return _Terraform(state.root, environment, state.timeout_s)


def process_environment(inherited: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The environment of a terraform process: without what would lead it astray."""
    merged = {**COLLECT_LATE, **inherited, **own}
    environment = {name: value for name, value in merged.items() if not name.startswith(UNWANTED)}
    config = environment.get("TF_CLI_CONFIG_FILE")
    if config and not Path(config).exists():
        del environment["TF_CLI_CONFIG_FILE"]
    return {**environment, **QUIET}


def _plugin_dir(plugins: Path | None) -> dict[str, Any]:
    return {"plugin_dir": str(plugins)} if plugins else {}


def _summary(out: str) -> str:
    found = SUMMARY.findall(out)
    return found[-1].strip() if found else ""


def _first_error(text: str, variables: Mapping[str, Any]) -> str:
    """The first error of Terraform's output, without its frame and without the ExternalId."""
    plain = FRAME.sub("", text)
    starts = [match.start() for match in ERROR.finditer(plain)]
    end = starts[1] if len(starts) > 1 else len(plain)
    first = plain[starts[0] : end] if starts else plain
    short = " ".join(first.split())[:MAX_ERROR_CHARS]
    secret = str(variables.get("external_id") or "")
    return short.replace(secret, "***") if secret else short
