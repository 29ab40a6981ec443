"""Objects in hand of a command: one that fails fails alone, a fault of all stops the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headwater.errors import AccessDenied, HeadwaterError, ObjectError, ObjectMissing, TransientError
from headwater.lake.catalog import open_catalog
from headwater.model import ObjectRef, Source
from headwater.pipeline import Opened, Store, open_object
from headwater.schema.load import load_library
from headwater.settings import Settings
from headwater.state import objects
from headwater.state.database import connect
from headwater.state.objects import Chosen
from headwater.worker.committer import Committer
from headwater.worker.ingest import MOST_IN_A_ROW, Ingest
from support.world import cloudtrail_gz, record

SOURCE = Source("111122223333", "payments", "trail", "logs", log_types=("AWS.CloudTrail",))


class Scene:
    """Objects of which some raise; counts how often each was opened."""

    def __init__(self, folder: Path, raised: dict[int, HeadwaterError], times: int = 99) -> None:
        self.settings = Settings(home=folder)
        store = Store(
            connect(f"sqlite:///{folder}/state.db"),
            open_catalog("sqlite", str(folder / "lake"), home=folder, region="us-east-1"),
        )
        self.library = load_library()
        self.committer = Committer(store, self.library, None, self.settings, "w1")
        self.raised = raised
        self.times = times
        self.opened: Counter[int] = Counter()

    def open(self, ref: ObjectRef, source: Source) -> Opened:
        number = int(ref.key)
        self.opened[number] += 1
        if number in self.raised and self.opened[number] <= self.times:
            raise self.raised[number]
        return open_object(ref, source, iter([cloudtrail_gz([record(number)])]), self.library, max_bytes=10**6)

    def run(self, count: int, *, keeps: bool = False) -> Ingest:
        with ThreadPoolExecutor(4) as pool:
            ingest = Ingest(self.committer, self.settings, self.open, pool=pool, downloads=4, lenient=True, keeps=keeps)
            try:
                ingest.take([(ObjectRef("logs", str(number), etag="e"), SOURCE) for number in range(count)])
                ingest.finish()
            except HeadwaterError as error:
                ingest.give_up(error)
                raise
        return ingest

    def statuses(self) -> Counter[str]:
        return Counter(each.status for each in objects.find(self.committer.store.database, Chosen(), 1000))


def broken(text: str = "cut") -> ObjectError:
    return ObjectError("truncated", text)


@pytest.mark.parametrize(
    ("make", "failed", "missing"),
    [
        pytest.param(broken, 2, 0, id="broken"),
        pytest.param(lambda: AccessDenied("no", service="s3"), 2, 0, id="refused by the bucket"),
        pytest.param(lambda: ObjectMissing("gone"), 0, 2, id="gone"),
        pytest.param(lambda: TransientError("slow"), 2, 0, id="a fault that does not pass"),
    ],
)
def test_an_object_that_fails_fails_alone(
    tmp_path: Path, make: Callable[[], HeadwaterError], failed: int, missing: int
) -> None:
    scene = Scene(tmp_path, {3: make(), 12: make()})

    summary = scene.run(20).summary

    assert (summary.objects, summary.failed, summary.missing) == (18, failed, missing)
    assert scene.statuses() == Counter(done=18, **({"failed": failed} if failed else {}))


def test_a_fault_that_passes_costs_another_try(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {3: TransientError("slow")}, times=2)

    assert scene.run(5).summary.objects == 5
    assert scene.opened[3] == 3


@pytest.mark.parametrize("service", ["sts", "kms"])
def test_a_refused_role_or_key_stops_the_run_and_leaves_no_claims(tmp_path: Path, service: str) -> None:
    refused = AccessDenied("no", service="sts" if service == "sts" else "kms")
    scene = Scene(tmp_path, dict.fromkeys(range(30), refused))

    with pytest.raises(AccessDenied):
        scene.run(30)

    assert scene.statuses() == Counter()
    assert sum(scene.opened.values()) <= 8


def test_many_refusals_in_a_row_stop_the_run(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {number: AccessDenied("no", service="s3") for number in range(50)})

    with pytest.raises(AccessDenied):
        scene.run(50)

    assert scene.statuses()["failed"] <= MOST_IN_A_ROW


def test_what_was_failed_before_stays_failed_when_the_run_stops(tmp_path: Path) -> None:
    scene = Scene(tmp_path, dict.fromkeys(range(6), AccessDenied("no", service="sts")))

    with pytest.raises(AccessDenied):
        scene.run(6, keeps=True)

    assert scene.statuses() == Counter(failed=6)
