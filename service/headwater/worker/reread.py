"""Rejects whose text was cut for the lake, made whole again from the objects they came from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headwater.aws.s3 import fetch, identify
from headwater.aws.session import Sessions
from headwater.errors import AccessDenied, HeadwaterError, ObjectMissing
from headwater.ingest.decode import decode
from headwater.ingest.envelopes import open_envelopes
from headwater.ingest.reject import RAW_BYTES
from headwater.model import LOCAL_BUCKET, ObjectRef, Reject, Source
from headwater.worker.files import file_ref, read_blocks

PIECE_BYTES = 64 * 1024 * 1024  # texts that are held at once


@dataclass(frozen=True, slots=True)
class Unread:
    """A reject that cannot be made whole, and why."""

    reject: Reject
    reason: str


@dataclass(frozen=True, slots=True)
class Reread:
    """sources: those of accounts.yml, whose roles read S3, by id. sessions: None where there is no accounts.yml."""

    sources: Mapping[str, Source]
    sessions: Sessions | None
    max_bytes: int

    def __call__(
        self, rejects: Iterable[Reject], refs: Callable[[Iterable[str]], Mapping[str, ObjectRef]]
    ) -> Iterator[tuple[Sequence[Reject], Sequence[Unread]]]:
        """Whole rejects and those that cannot be had, some at once. refs: the ledger's objects by id."""
        by_object: dict[str, dict[int, Reject]] = defaultdict(dict)
        for reject in rejects:
            by_object[reject.object_id][reject.row] = reject
        known = refs(by_object)
        for object_id, wanted in by_object.items():
            yield from self._of_object(known.get(object_id), wanted)

    def _of_object(
        self, ref: ObjectRef | None, wanted: dict[int, Reject]
    ) -> Iterator[tuple[Sequence[Reject], Sequence[Unread]]]:
        """The object's rejects in pieces; what is left of `wanted` was not found."""
        left, reason = dict(wanted), "its object reads otherwise now"
        whole: list[Reject] = []
        size = 0
        try:
            for row, record in self._records(ref, wanted):
                if record[:RAW_BYTES].decode(errors="replace") != wanted[row].raw:
                    continue
                whole.append(replace(left.pop(row), raw=record.decode(errors="replace"), cut=False))
                size += len(record)
                if size >= PIECE_BYTES:
                    yield whole, ()
                    whole, size = [], 0
        except HeadwaterError as error:
            reason = str(error)
        yield whole, [Unread(reject, f"cut to 64 KiB, and {reason}") for reject in left.values()]

    def _records(self, ref: ObjectRef | None, wanted: Mapping[int, Reject]) -> Iterator[tuple[int, bytes]]:
        """The object's records of the wanted rows, as they were numbered when it was ingested."""
        source_id = next(iter(wanted.values())).source_id
        if ref is None:
            raise ObjectMissing("the state database does not know its object")
        source = self.sources.get(source_id)
        chunks = decode(self._blocks(ref, source, source_id), max_bytes=self.max_bytes, key=ref.key)
        for chunk in open_envelopes(chunks, source.log_types if source else (), Counter()):
            end = chunk.first_row + len(chunk.records)
            for row in sorted(row for row in wanted if chunk.first_row <= row < end):
                yield row, bytes(chunk.records[row - chunk.first_row])

    def _blocks(self, ref: ObjectRef, source: Source | None, source_id: str) -> Iterable[bytes]:
        if ref.bucket == LOCAL_BUCKET:
            return _file_blocks(ref)
        if source is None or self.sessions is None:
            raise AccessDenied(f"{ref.url} cannot be read: source {source_id} is not in accounts.yml")
        if not ref.version_id:
            now = identify(self.sessions, replace(ref, etag=None), source)
            if now.object_id != ref.object_id:
                raise ObjectMissing(f"{ref.url} was replaced since")
        return fetch(self.sessions, ref, source).blocks


def _file_blocks(ref: ObjectRef) -> Iterable[bytes]:
    file = Path(ref.key)
    if not file.is_file():
        raise ObjectMissing(f"{ref.key} is gone")
    if file_ref(file).object_id != ref.object_id:
        raise ObjectMissing(f"{ref.key} has changed since")
    return read_blocks(file)
