"""A short run of the coverage-guided fuzzer from the library's own samples; a long one is `make fuzz`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LIBRARY = TESTS.parent / "service/headwater/schema/library"


@pytest.mark.slow
def test_no_bytes_bring_anything_but_rows_rejects_and_object_errors(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this platform")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, folder in enumerate(sorted(path for path in LIBRARY.iterdir() if path.is_dir()), 1):
        for sample in folder.glob("sample*"):
            (corpus / f"{folder.name}-{sample.name}").write_bytes(bytes([number]) + sample.read_bytes()[:4096])
    options = ["-runs=3000", "-seed=7", "-max_len=4096", "-timeout=20", f"-artifact_prefix={tmp_path}/"]

    ran = subprocess.run(
        [sys.executable, "-m", "support.fuzz", *options, str(corpus)],
        cwd=TESTS,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "Done 3000 runs" in ran.stderr
