"""Terraform in tests: find it, find its AWS provider, run it with a time-out and without a trace in the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
PROVIDER = Path("registry.terraform.io/hashicorp/aws")
TIMEOUT_S = 300


class TerraformFailed(Exception):
    """A run that ended with an error; the text is what Terraform said."""


@dataclass(frozen=True)
class Terraform:
    """One root module in a folder of its own, with its own data and state."""

    folder: Path
    binary: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, codes: Sequence[int] = (0,), timeout_s: int = TIMEOUT_S) -> str:
        """The standard output of one command. Raises: TerraformFailed with all that it wrote."""
        done = subprocess.run(
            [self.binary, f"-chdir={self.folder}", *arguments],
            env=_clean_environment() | dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        if done.returncode not in codes:
            raise TerraformFailed(f"terraform {' '.join(arguments)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done.stdout

    def variables(self, values: Mapping[str, Any]) -> None:
        """Give the root its variables."""
        (self.folder / "test.auto.tfvars.json").write_text(json.dumps(values))

    def plan(self, *arguments: str) -> Mapping[str, Any]:
        """A plan as Terraform's JSON."""
        self.run("plan", "-out=plan.tfplan", "-lock=false", "-no-color", *arguments)
        plan: Mapping[str, Any] = json.loads(self.run("show", "-json", "plan.tfplan"))
        return plan

    def outputs(self) -> Mapping[str, Any]:
        """Name → value of every output."""
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}


def find_terraform() -> str | None:
    """The binary on PATH or in the repository's .tools."""
    return shutil.which("terraform") or shutil.which("terraform", path=str(REPOSITORY / ".tools"))


def find_plugins() -> Path | None:
    """A provider mirror that holds hashicorp/aws: TF_PLUGIN_DIR, then the usual places."""
    named = os.environ.get("TF_PLUGIN_DIR")
    usual = [Path.home() / ".terraform.d/plugins", REPOSITORY / ".tools/plugins"]
    wide = [folder for root in ("/usr/share", "/usr/local/share", "/opt") for folder in sorted(Path(root).glob("*"))]
    candidates = [Path(named)] if named else [*usual, *wide]
    return next((folder for folder in candidates if (folder / PROVIDER).is_dir()), None)


def init_arguments() -> list[str]:
    """What `terraform init` needs: the mirror where there is one, else the registry answers."""
    plugins = find_plugins()
    return ["init", "-no-color", "-input=false", *([f"-plugin-dir={plugins}"] if plugins else [])]


def _clean_environment() -> dict[str, str]:
    """Our environment without what would steer Terraform or the provider elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
    if "AWS_CA_BUNDLE" in os.environ:
        kept["AWS_CA_BUNDLE"] = os.environ["AWS_CA_BUNDLE"]
    return kept | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"} | _provider_cache()


def _provider_cache() -> dict[str, str]:
    """Without a mirror: one download of the provider (700 MB unpacked) for all roots."""
    if find_plugins() is not None:
        return {}
    cache = REPOSITORY / ".tools/provider-cache"
    cache.mkdir(parents=True, exist_ok=True)
    return {"TF_PLUGIN_CACHE_DIR": str(cache), "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1"}


def statements_of(document: str) -> Mapping[str, Any]:
    """A policy document from its JSON."""
    parsed: Mapping[str, Any] = json.loads(document)
    return parsed


def planned_values(plan: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Address → planned attributes of every resource, of child modules too."""
    found: dict[str, Mapping[str, Any]] = {}
    pending = [plan["planned_values"]["root_module"]]
    while pending:
        module = pending.pop()
        found |= {resource["address"]: resource["values"] for resource in module.get("resources", [])}
        pending += module.get("child_modules", [])
    return found
