"""The Iceberg catalog: a SQLite file beside a local folder, or AWS Glue and S3."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.catalog.sql import SqlCatalog

from headwater.lake.faults import LOST_RACE, translated

NAME = "headwater"
BUSY_TIMEOUT_S = 60  # how long a writer waits for another one's lock on the SQLite file


def open_catalog(
    kind: Literal["sqlite", "glue"],
    warehouse: str,
    *,
    home: Path,
    region: str,
    environ: Mapping[str, str] = os.environ,
) -> Catalog:
    """The catalog of all lake tables; nothing is created in AWS before the first append.

    warehouse: a folder, or s3://bucket/prefix.  home: where the SQLite file of kind "sqlite" lies.
    environ: AWS_ENDPOINT_URL (or …_GLUE, …_S3) leads to another endpoint, as it does for boto3.
    """
    if kind == "glue":
        return GlueCatalog(NAME, **_glue_properties(warehouse, region, environ))
    home.mkdir(parents=True, exist_ok=True)
    uri = f"sqlite:///{(home / 'catalog.db').absolute()}?timeout={BUSY_TIMEOUT_S}"
    properties = {"uri": uri, "warehouse": _location(warehouse), **_s3_properties(region, environ)}
    try:
        return SqlCatalog(NAME, **properties)
    except LOST_RACE:  # the catalog's tables are there now
        with translated(f"open the lake's catalog {home / 'catalog.db'}"):
            return SqlCatalog(NAME, **properties)


def _location(warehouse: str) -> str:
    if "://" in warehouse:
        return warehouse.rstrip("/")
    folder = Path(warehouse).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return f"file://{folder}"


def _glue_properties(warehouse: str, region: str, environ: Mapping[str, str]) -> dict[str, str]:
    properties = {"warehouse": _location(warehouse), "glue.region": region, **_s3_properties(region, environ)}
    endpoint = environ.get("AWS_ENDPOINT_URL_GLUE") or environ.get("AWS_ENDPOINT_URL")
    return {**properties, "glue.endpoint": endpoint} if endpoint else properties


def _s3_properties(region: str, environ: Mapping[str, str]) -> dict[str, str]:
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    return {"s3.region": region, **({"s3.endpoint": endpoint} if endpoint else {})}
