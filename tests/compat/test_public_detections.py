"""Public detections run unchanged. HEADWATER_PANTHER_ANALYSIS: a checkout of panther-labs/panther-analysis."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = os.environ.get("HEADWATER_PANTHER_ANALYSIS")


@pytest.mark.skipif(not CHECKOUT, reason="HEADWATER_PANTHER_ANALYSIS names no checkout")
def test_every_public_test_passes_and_the_pack_can_be_added() -> None:
    script = Path(__file__).with_name("run_public.py")

    done = subprocess.run([sys.executable, script, str(CHECKOUT)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
