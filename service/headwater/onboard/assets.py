"""Where the Terraform modules, the CloudFormation templates and the provider plugins lie on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import headwater
from headwater.errors import OnboardError

PACKAGE = Path(headwater.__file__).parent
CHECKOUT = PACKAGE.parents[1]
PROVIDER = Path("registry.terraform.io/hashicorp/aws")
PLUGIN_FOLDERS = ("~/.terraform.d/plugins", "/usr/share/terraform/plugins", "/usr/local/share/terraform/plugins")


def module_path(name: str) -> Path:
    """The folder of a Terraform module: in the installed package, else in the repository.

    Raises: OnboardError where neither holds it.
    """
    return _first(
        f"the Terraform module {name}", PACKAGE / "_terraform" / "modules" / name, CHECKOUT / "terraform/modules" / name
    )


def template_path(name: str) -> Path:
    """A CloudFormation template, found likewise."""
    return _first(f"the template {name}", PACKAGE / "_cfn_templates" / name, CHECKOUT / "cfn_templates" / name)


def _first(what: str, *candidates: Path) -> Path:
    found = next((path for path in candidates if path.exists()), None)
    if found is None:
        places = " nor ".join(str(path) for path in candidates)
        raise OnboardError(f"{what} is missing: neither {places}. Reinstall headwater, or say where it is.")
    return found.resolve()


def plugin_folder(environment: Mapping[str, str]) -> Path | None:
    """A local mirror of the AWS provider: TF_PLUGIN_DIR, else one in the usual places; None: Terraform's registry.

    Raises: OnboardError where TF_PLUGIN_DIR is set and holds no provider.
    """
    named = environment.get("TF_PLUGIN_DIR")
    if named:
        if not (Path(named) / PROVIDER).is_dir():
            raise OnboardError(f"TF_PLUGIN_DIR={named} holds no {PROVIDER}. Correct or unset it.")
        return Path(named)
    usual = [Path(folder).expanduser() for folder in PLUGIN_FOLDERS]
    optional = sorted(Path("/opt").glob("*")) if os.name == "posix" else []
    return next((folder for folder in (*usual, *optional) if (folder / PROVIDER).is_dir()), None)
