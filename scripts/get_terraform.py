"""Use the Terraform on PATH, or fetch a pinned release into a folder, its checksum verified.

python scripts/get_terraform.py FOLDER
Exit 0: Terraform is there. Exit 1: it cannot be had; the message says what to do.
"""

from __future__ import annotations

import hashlib
import io
import platform
import shutil
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

VERSION = "1.11.4"
SHA256 = {  # terraform_1.11.4_SHA256SUMS of releases.hashicorp.com
    "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
    "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
}
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def main(folder: Path) -> int:
    """0 if Terraform can be used from PATH or from the folder."""
    target = folder / "terraform"
    if shutil.which("terraform") or target.exists():
        return 0
    name = f"{platform.system().lower()}_{MACHINES.get(platform.machine().lower(), platform.machine())}"
    if name not in SHA256:
        return fail(f"there is no pinned Terraform for {name}")
    url = f"https://releases.hashicorp.com/terraform/{VERSION}/terraform_{VERSION}_{name}.zip"
    print(f"Terraform is not on this machine: fetching {url} into {folder}/ ...")
    try:
        with urllib.request.urlopen(url, timeout=120) as response:  # a constant https address
            archive = response.read()
    except (urllib.error.URLError, TimeoutError) as error:
        return fail(f"the download failed: {error}")
    if hashlib.sha256(archive).hexdigest() != SHA256[name]:
        return fail(f"the checksum of {url} is wrong; nothing was installed")
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        target.write_bytes(files.read("terraform"))
    target.chmod(0o755)
    print(f"Terraform {VERSION} is in {target} (checksum verified).")
    return 0


def fail(reason: str) -> int:
    """Say why there is no Terraform and what still works."""
    print(
        f"No Terraform: {reason}.\n"
        "  Install it from https://developer.hashicorp.com/terraform/install, or use `headwater demo --no-terraform`.\n"
        "  Terraform tests are skipped; everything else runs.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
