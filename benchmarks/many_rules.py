"""What a large pack costs: 1,000 rules against 100 on the same ordinary traffic, as a ratio.

Each rule asks for an eventName and an eventSource of its own, a few for names that occur, as packs do.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from headwater.detect.engine import Engine
from headwater.detect.load import load_pack
from headwater.model import Batch, ObjectRef, Source
from headwater.pipeline import digest, open_object
from headwater.schema.load import load_library
from support import ordinary_cloudtrail

ROWS, FEW, MANY, OCCUR = 20_000, 100, 1_000, 5
REPEATS = 5
RULE = """\
NAMES = ({names})


def rule(event):
    if event.get("eventName") not in NAMES or event.get("errorCode"):
        return False
    return event.deep_get("userIdentity", "type") == "{kind}"


def title(event):
    return f"{{event.get('eventName')}} in {{event.get('recipientAccountId')}}"
"""
YAML = """\
AnalysisType: rule
RuleID: Bench.Rule{number}
Enabled: true
Severity: Low
LogTypes: [AWS.CloudTrail]
Filename: rule_{number}.py
"""


def main() -> None:
    """Print the times and the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        batch = _batch(ordinary_cloudtrail.records(ROWS))
        names = sorted({str(name) for name in batch.table.column("eventName").to_pylist()})
        times = {count: _best_s(_write(Path(folder) / str(count), count, names), batch) for count in (FEW, MANY)}
    ratio = times[MANY] / times[FEW]
    for count, seconds in times.items():
        print(f"{count:>6} rules  {seconds * 1000:7.1f} ms  {seconds / ROWS * 1e6:6.2f} µs a row")
    print(json.dumps({"many_rules_vs_few": round(ratio, 2)}))


def _write(folder: Path, count: int, names: list[str]) -> Path:
    folder.mkdir()
    for number in range(count):
        asked = [f"Call{number}", f"Other{number}"] if number % (count // OCCUR) else [names[number % len(names)]]
        text = RULE.format(names="".join(f"{name!r}, " for name in asked), kind="Root")
        (folder / f"rule_{number}.py").write_text(text)
        (folder / f"rule_{number}.yml").write_text(YAML.format(number=number))
    return folder


def _batch(records: list[dict[str, object]]) -> Batch:
    raw = [{name: value for name, value in record.items() if not name.startswith("p_")} for record in records]
    body = json.dumps({"Records": raw}).encode()
    source = Source("111122223333", "bench", "logs", "bench")
    key = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02/111122223333_CloudTrail_us-east-1_a.json"
    library = load_library()
    opened = open_object(ObjectRef("bench", key, etag="e"), source, [body], library, max_bytes=1 << 30)
    (batch,) = digest([opened], library, None, datetime(2026, 1, 2, tzinfo=UTC)).batches
    return batch


def _best_s(folder: Path, batch: Batch) -> float:
    engine = Engine(load_pack([folder]))
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        engine.detect(batch)
        times.append(time.process_time() - started)
    return min(times)


if __name__ == "__main__":
    main()
