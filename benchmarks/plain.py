"""The plain steps that Headwater is compared with: what the best libraries do with the same bytes, and no more."""

from __future__ import annotations

import gzip
import io
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb
import orjson
import pyarrow.csv
from corpus import LogFile
from isal import igzip

DUCKDB_COLUMNS = (
    "eventVersion: 'VARCHAR', userIdentity: 'JSON', eventTime: 'TIMESTAMP', eventSource: 'VARCHAR', eventName: "
    "'VARCHAR', awsRegion: 'VARCHAR', sourceIPAddress: 'VARCHAR', userAgent: 'VARCHAR', errorCode: 'VARCHAR', "
    "errorMessage: 'VARCHAR', requestParameters: 'JSON', responseElements: 'JSON', additionalEventData: 'JSON', "
    "requestID: 'VARCHAR', eventID: 'VARCHAR', readOnly: 'BOOLEAN', resources: 'JSON', apiVersion: 'VARCHAR', "
    "eventType: 'VARCHAR', recipientAccountId: 'VARCHAR', sharedEventID: 'VARCHAR', vpcEndpointId: 'VARCHAR', "
    "vpcEndpointAccountId: 'VARCHAR', serviceEventDetails: 'JSON', managementEvent: 'BOOLEAN', eventCategory: "
    "'VARCHAR', addendum: 'JSON', sessionCredentialFromConsole: 'VARCHAR', edgeDeviceDetails: 'JSON', tlsDetails: "
    "'JSON', eventContext: 'JSON', insightDetails: 'JSON'"
)
ALB_LINE = re.compile(
    r"(\S+) (\S+) (\S+) (\S+):(\d+) (?:(\S+):(\d+)|-) (\S+) (\S+) (\S+) (\S+) (\S+) (\d+) (\d+) "
    r'"(\S+) (\S+) (\S+)" "([^"]*)" (\S+) (\S+) (\S+) "([^"]*)" "([^"]*)" "([^"]*)" (\S+) (\S+) '
    r'"([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)"(?: (\S+))?'
)


def gunzip(files: Sequence[LogFile]) -> None:
    """Decompression alone."""
    for file in files:
        igzip.decompress(file.body)


def loads(texts: Sequence[bytes]) -> None:
    """A dict for each event, from text that is decompressed already, and nothing else."""
    for text in texts:
        orjson.loads(text)


def csv(files: Sequence[LogFile]) -> None:
    """Decompression, and columns of a table."""
    options = pyarrow.csv.ParseOptions(delimiter=" ")
    for file in files:
        pyarrow.csv.read_csv(io.BytesIO(igzip.decompress(file.body)), parse_options=options)


def match(texts: Sequence[bytes]) -> None:
    """One compiled pattern a line, from text that is decompressed already. Raises: ValueError where one fits not."""
    for text in texts:
        if not all(map(ALB_LINE.match, text.decode().splitlines())):
            raise ValueError("the pattern does not fit the corpus")


class DuckDb:
    """DuckDB's way from JSON files to one Parquet file, in one thread. A record a line: that is what it is fast at."""

    def __init__(self, files: Sequence[LogFile]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        for number, file in enumerate(files):
            lines = b"\n".join(map(orjson.dumps, orjson.loads(igzip.decompress(file.body))["Records"]))
            (Path(self._folder.name) / f"{number}.json.gz").write_bytes(gzip.compress(lines, 6))

    def convert(self) -> None:
        """Convert all files: the columns of Headwater's table, nested parts as JSON text."""
        folder = self._folder.name
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute(
                f"COPY (SELECT * FROM read_json('{folder}/*.json.gz', format='newline_delimited', "
                f"columns={{{DUCKDB_COLUMNS}}})) TO '{folder}/out.parquet' (FORMAT parquet, COMPRESSION zstd)"
            )
