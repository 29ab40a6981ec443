"""A process that tidies up the lake of a home and kills itself before its Nth write or deletion of a file.

python -m support.dying_lake HOME N compact|erase|append. Ends with 0 where it had nothing more to write.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from pyiceberg.io import InputFile, OutputFile
from pyiceberg.io.pyarrow import PyArrowFileIO

from headwater.lake.commit import append
from headwater.lake.compact import compact
from headwater.lake.erase import erase
from support.customers_lake import FLOW, LATER, PAYMENTS, START, both
from support.lake import open_lake

LONG_AGO = START - timedelta(days=10_000)  # no file is older


class DyingFileIO(PyArrowFileIO):
    """Counts down and dies."""

    left = 0

    def _count(self) -> None:
        DyingFileIO.left -= 1
        if DyingFileIO.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def new_output(self, location: str) -> OutputFile:
        self._count()
        return super().new_output(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        self._count()
        super().delete(location)


def main(home: str, deadline: str, what: str) -> None:
    catalog = open_lake(Path(home))
    catalog.properties["py-io-impl"] = "support.dying_lake.DyingFileIO"
    from support import dying_lake  # noqa: PLC0415 (the class that PyIceberg imports, not the one of __main__)

    dying_lake.DyingFileIO.left = int(deadline)
    if what == "compact":
        compact(catalog, LATER)
    elif what == "erase":
        erase(catalog, PAYMENTS, before=LONG_AGO, unfinished=lambda: ["b0"])
    else:
        append(catalog, FLOW, both("dying"), batch_id="dying")


if __name__ == "__main__":
    main(*sys.argv[1:])
