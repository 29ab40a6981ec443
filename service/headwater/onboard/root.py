"""The generated Terraform root: one for all accounts, with one state per account."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.onboard.plan import Unit

MODULE = "customer_account"
MODULE_VARIABLES = (
    "account_id",
    "account_name",
    "external_id",
    "central_account_id",
    "worker_role_arn",
    "queue_arn",
    "event_bus_arn",
    "organization_id",
    "role_name",
    "role_path",
    "permissions_boundary_arn",
    "role_arn_existing",
    "sources",
    "subscribe_from",
    "bucket_notifications_checked",
    "tags",
)
OUTPUTS = ("role_arn", "topic_arns", "trust_policy", "permissions_policy", "bucket_key_statements")


@dataclass(frozen=True, slots=True)
class Backend:
    """Where states lie: in a bucket of the central account, else in a local folder."""

    folder: Path
    bucket: str | None = None
    region: str = "us-east-1"

    @property
    def kind(self) -> str:
        """Terraform's name of the backend."""
        return "s3" if self.bucket else "local"

    def arguments(self, unit: Unit) -> dict[str, str]:
        """What init is told about the state of a unit."""
        if self.bucket:
            return {"bucket": self.bucket, "key": unit.state_key, "region": self.region, "use_lockfile": "true"}
        return {"path": str((self.folder / unit.state_key).absolute())}


def write_root(folder: Path, module: Path, backend: Backend) -> None:
    """Write main.tf.json, where it is not there already as it should be."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(relative(module, folder), backend.kind), indent=2) + "\n"
    target = folder / "main.tf.json"
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")


def relative(module: Path, folder: Path) -> str:
    """The module as Terraform wants local modules named: relative, with a leading dot."""
    path = os.path.relpath(module.resolve(), folder.resolve())
    return path if path.startswith("..") else f"./{path}"


def variables(unit: Unit) -> dict[str, Any]:
    """The values of the root's variables for one unit."""
    return {**unit.variables, "region": unit.region, "deploy_role_arn": unit.deploy_role_arn}


def document(module_source: str, backend_kind: str) -> Mapping[str, Any]:
    """main.tf.json."""
    return {
        "//": "Written by headwater onboard; changes are lost.",
        "terraform": {"required_version": ">= 1.10", "backend": {backend_kind: {}}},
        "variable": {name: {"type": "any"} for name in (*MODULE_VARIABLES, "region", "deploy_role_arn")},
        "provider": {
            "aws": {
                "region": "${var.region}",
                "allowed_account_ids": ["${var.account_id}"],
                "assume_role": {"role_arn": "${var.deploy_role_arn}", "session_name": "headwater-onboard"},
            }
        },
        "module": {MODULE: {"source": module_source, **{name: f"${{var.{name}}}" for name in MODULE_VARIABLES}}},
        "output": {name: {"value": f"${{module.{MODULE}.{name}}}"} for name in OUTPUTS},
    }
