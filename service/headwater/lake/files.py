"""The files under a table: those that its metadata names, those that it does not, and their deletion."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow.fs as pafs
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import ManifestFile
from pyiceberg.table import Table

from headwater.lake.faults import translated
from headwater.lake.tables import existing_tables

DELETE_THREADS = 16


@dataclass(frozen=True, slots=True)
class Orphan:
    """A file that no retained snapshot of its table names."""

    table: str
    url: str
    size_bytes: int
    modified_at: datetime


def clean_up(
    catalog: Catalog,
    before: datetime,
    *,
    tables: Collection[str] = (),
    dry_run: bool = False,
    go_on: Callable[[], bool] = lambda: True,
) -> list[Orphan]:
    """Delete the files under the tables that no retained snapshot names and that were last written before a time.

    before: older than everything that a writer has written and not committed yet: what is in flight looks the same.
    Gives what was deleted, or would be. go_on: asked before each table.
    """
    found: list[Orphan] = []
    with translated("clean up the lake"):
        for name in tables or existing_tables(catalog):
            if not go_on():
                break
            with suppress(NoSuchTableError):  # dropped meanwhile
                found += (orphan for orphan in orphans(catalog, name) if orphan.modified_at < before)
    if not dry_run:
        with translated("clean up the lake"):
            remove(catalog, found)
    return found


def remove(catalog: Catalog, found: Collection[Orphan]) -> None:
    """Delete files; those that another process has deleted are no error."""
    for name in sorted({orphan.table for orphan in found}):
        delete_files(catalog.load_table(name), [orphan.url for orphan in found if orphan.table == name])


def delete_files(table: Table, urls: Iterable[str]) -> None:
    """Delete files of a table, many at once: each takes three calls of S3."""

    def delete(url: str) -> None:
        with suppress(FileNotFoundError):
            table.io.delete(url)

    with ThreadPoolExecutor(DELETE_THREADS, thread_name_prefix="delete") as pool:
        for _ in pool.map(delete, urls):  # raises what a deletion raised
            pass


def orphans(catalog: Catalog, name: str) -> list[Orphan]:
    """All files below a table's location that none of its snapshots names, however young."""
    table = catalog.load_table(name)
    scheme = PyArrowFileIO.parse_location(table.location())[0]
    there = list(_list(table))
    # the metadata is read after the list: whatever was committed between is named
    named = {_path(url) for url in referenced(catalog.load_table(name))}
    return [
        Orphan(name, f"{scheme}://{info.path}", info.size or 0, info.mtime.astimezone(UTC))
        for info in there
        if info.path not in named
    ]


def referenced(table: Table) -> set[str]:
    """The URLs of all files that the table's metadata and its snapshots name, its metadata files included."""
    metadata = table.metadata
    found = {table.metadata_location, *(entry.metadata_file for entry in metadata.metadata_log)}
    found |= {statistics.statistics_path for statistics in metadata.statistics}
    found |= {statistics.statistics_path for statistics in metadata.partition_statistics}
    manifests: dict[str, ManifestFile] = {}
    for snapshot in metadata.snapshots:
        found.add(snapshot.manifest_list)
        manifests |= {manifest.manifest_path: manifest for manifest in snapshot.manifests(table.io)}
    for path, manifest in manifests.items():
        found.add(path)
        found |= {entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)}
    return found


def _list(table: Table) -> Iterator[pafs.FileInfo]:
    scheme, bucket, path = PyArrowFileIO.parse_location(table.location())
    assert isinstance(table.io, PyArrowFileIO)  # what open_catalog makes
    filesystem = table.io.fs_by_scheme(scheme, bucket)
    selector = pafs.FileSelector(path, recursive=True, allow_not_found=True)
    return (info for info in filesystem.get_file_info(selector) if info.type == pafs.FileType.File)


def _path(url: str) -> str:
    return PyArrowFileIO.parse_location(url)[2]
