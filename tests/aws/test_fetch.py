"""An object is read to its end, whatever breaks off in the middle."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from headwater.aws import s3
from headwater.aws.session import Sessions
from headwater.errors import ObjectMissing, TransientError
from headwater.model import ObjectRef
from support.wire import SOURCE, Wire, breaking, s3_error, session, whole

REF = ObjectRef("payments-logs", "AWSLogs/1.json.gz", etag="e1")
DATA = os.urandom(3_000_000)  # three blocks


@pytest.fixture(params=["whole", "streamed"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small objects are read at once, large ones while they are decoded."""
    if request.param == "streamed":
        monkeypatch.setattr(s3, "WHOLE_BYTES", 1000)


def read(sessions: Sessions, ref: ObjectRef = REF) -> bytes:
    return b"".join(s3.fetch(sessions, ref, SOURCE, lambda seconds: None).blocks)


@pytest.mark.usefixtures("size")
def test_a_broken_stream_goes_on_from_the_byte_reached(wire: Wire) -> None:
    wire.s3 = breaking(DATA, 1_500_000)

    assert read(Sessions("us-east-1")) == DATA
    asked = wire.to("s3")[1].headers
    assert (asked["Range"], asked["If-Match"]) == (f"bytes={s3.BLOCK_BYTES}-", '"e1"')


@pytest.mark.usefixtures("size")
def test_a_stream_that_breaks_again_and_again_but_moves_on_is_read(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "BLOCK_BYTES", 100_000)
    wire.s3 = breaking(DATA, *range(250_000, 3_000_000, 250_000))

    assert read(Sessions("us-east-1")) == DATA


def test_a_stream_that_does_not_move_on_is_a_passing_fault(wire: Wire) -> None:
    wire.s3 = breaking(DATA, *[1_100_000] * 10)

    with pytest.raises(TransientError, match=f"broke off at byte {s3.BLOCK_BYTES}"):
        read(Sessions("us-east-1"))

    assert len(wire.to("s3")) == 1 + len(s3.BROKEN_PAUSES_S)


@pytest.mark.usefixtures("size")
def test_a_session_that_ends_in_mid_object_costs_a_new_session_and_no_byte(wire: Wire) -> None:
    start = datetime(2026, 2, 3, tzinfo=UTC)
    now = [start]
    wire.sts = lambda sent: session(len(wire.to("sts")), (now[0] + timedelta(minutes=15)).isoformat())
    serve = breaking(DATA, 1_100_000)
    wire.s3 = lambda sent: s3_error(400, "ExpiredToken") if len(wire.to("s3")) == 2 else serve(sent)

    def later(seconds: float) -> None:
        now[0] += timedelta(minutes=16)

    sessions = Sessions("us-east-1", now=lambda: now[0])
    found = b"".join(s3.fetch(sessions, REF, SOURCE, later).blocks)

    assert found == DATA
    assert len(wire.to("sts")) >= 2
    assert "ASIA1/" not in wire.to("s3")[-1].headers["Authorization"]


@pytest.mark.usefixtures("size")
def test_an_object_that_is_replaced_in_mid_read_is_missing_not_mixed(wire: Wire) -> None:
    serve = breaking(DATA, 1_100_000)
    wire.s3 = lambda sent: s3_error(412, "PreconditionFailed") if "Range" in sent.headers else serve(sent)

    with pytest.raises(ObjectMissing, match="replaced"):
        read(Sessions("us-east-1"))


def test_an_answer_that_ignores_the_range_is_not_taken(wire: Wire) -> None:
    serve = breaking(DATA, 1_100_000)
    wire.s3 = lambda sent: whole(DATA) if "Range" in sent.headers else serve(sent)

    with pytest.raises(TransientError, match=f"did not go on from byte {s3.BLOCK_BYTES}"):
        read(Sessions("us-east-1"))


def test_an_object_that_was_replaced_before_it_is_read_is_missing(wire: Wire) -> None:
    wire.answers = [
        s3_error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    ]

    with pytest.raises(ObjectMissing, match="replaced"):
        read(Sessions("us-east-1"))

    assert wire.to("s3")[0].headers["If-Match"] == '"e1"'


def test_a_version_is_asked_for_by_its_id_alone(wire: Wire) -> None:
    wire.s3 = breaking(DATA, 2_000_000)

    assert read(Sessions("us-east-1"), ObjectRef("payments-logs", "k", version_id="v7", etag="e1")) == DATA
    first, second = wire.to("s3")
    assert ["versionId=v7" in each.url for each in (first, second)] == [True, True]
    assert ("If-Match" in first.headers, second.headers["If-Match"]) == (False, '"e1"')
