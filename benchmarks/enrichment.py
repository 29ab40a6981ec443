"""What lookup tables cost: 40,000 CloudTrail rows against 100,000 networks, in ms of one core.

python benchmarks/enrichment.py
"""

from __future__ import annotations

import ipaddress
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from corpus import cloudtrail

from headwater.enrich.columns import enrich
from headwater.enrich.lookup import Lookup, Lookups, load_lookup
from headwater.enrich.spec import LookupSpec, Selector
from headwater.model import Batch, ObjectRef, Source
from headwater.pipeline import digest, open_object
from headwater.schema.load import load_library

ROWS = 40_000
NETWORKS = 100_000
ADDRESSES = 20_000
REPEATS = 5
NOW = datetime(2026, 2, 3, tzinfo=UTC)


def networks(count: int, seed: int = 7) -> bytes:
    """A CSV of networks of many sizes, as those of providers and countries are."""
    rng = random.Random(seed)
    lines = ["network,owner,country,risk"]
    while len(lines) <= count:
        network = ipaddress.ip_network(
            (rng.getrandbits(32), rng.choice((12, 16, 18, 20, 22, 24, 24, 24, 28, 32))), strict=False
        )
        lines.append(f"{network},Provider {len(lines) % 5000},C{len(lines) % 200},{len(lines) % 100}")
    return "\n".join(lines).encode()


def table(content: bytes, *selectors: str) -> Lookup:
    """A table that touches CloudTrail."""
    spec = LookupSpec("networks", Path(), True, "network", {"AWS.CloudTrail": tuple(map(Selector.of, selectors))})
    return load_lookup(spec, [content], {}, max_bytes=1 << 30, now=NOW)


def batch() -> Batch:
    """The parsed rows, with calls from many addresses all over the internet."""
    library = load_library()
    source = Source("111122223333", "example", "logs", "example-logs")
    opened = [
        open_object(
            ObjectRef("example-logs", file.key, etag=str(number)), source, [file.body], library, max_bytes=1 << 30
        )
        for number, file in enumerate(cloudtrail(ROWS, 2000))
    ]
    [made] = digest(opened, library, None, NOW).batches
    rng = random.Random(7)
    addresses = [str(ipaddress.IPv4Address(rng.getrandbits(32))) for _ in range(ADDRESSES)]
    drawn = [rng.choice(addresses) for _ in range(made.rows)]
    changed = made.table
    for name, values in (("sourceIPAddress", drawn), ("p_any_ip_addresses", [[address] for address in drawn])):
        index = changed.schema.get_field_index(name)
        changed = changed.set_column(index, changed.schema.field(index), pa.array(values))
    return Batch(made.log_type, changed)


def milliseconds(work: Callable[[], object]) -> float:
    """The median of some runs."""
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        times.append((time.process_time() - started) * 1000)
    return statistics.median(times)


def main() -> None:
    """Print one line a case."""
    content, rows = networks(NETWORKS), batch()
    print(f"load {NETWORKS} networks, {len(content) / 1e6:.1f} MB: {milliseconds(lambda: table(content)):.0f} ms")
    for selectors in (("sourceIPAddress",), ("sourceIPAddress", "p_any_ip_addresses"), ("$.userIdentity.accountId",)):
        lookups = Lookups((table(content, *selectors),))
        enriched = enrich(rows, lookups)
        hits = rows.rows - enriched.table["p_enrichment"].null_count
        spent = milliseconds(lambda lookups=lookups: enrich(rows, lookups))  # type: ignore[misc]
        print(f"enrich {rows.rows} rows by {', '.join(selectors)}: {spent:.0f} ms, {hits} rows enriched")


if __name__ == "__main__":
    main()
