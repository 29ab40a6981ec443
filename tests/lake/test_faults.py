"""Faults under the lake: which a retry can mend, and what to grant for the others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from pyiceberg.catalog import Catalog
from sqlalchemy.exc import OperationalError

from headwater.errors import AccessDenied, HeadwaterError, LakeUnavailable
from headwater.lake.commit import append
from headwater.lake.faults import translated
from headwater.lake.query import query
from support.lake import TABLE, rows


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetTable")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refused("ThrottlingException"), LakeUnavailable),
        (refused("AccessDeniedException"), AccessDenied),
        (EndpointConnectionError(endpoint_url="http://192.0.2.1"), LakeUnavailable),
        (NoCredentialsError(), AccessDenied),
        (OSError("When completing multiple part upload: AWS Error ACCESS_DENIED"), AccessDenied),
        (OSError("AWS Error SLOW_DOWN during PutObject"), LakeUnavailable),
        (OperationalError("UPDATE", {}, Exception("database is locked")), LakeUnavailable),
    ],
    ids=["glue throttles", "glue refuses", "no connection", "no credentials", "s3 refuses", "s3 throttles", "locked"],
)
def test_errors_are_told_apart_by_what_helps(error: Exception, expected: type[HeadwaterError]) -> None:
    with pytest.raises(expected, match="append to x"), translated("append to x"):
        raise error


def test_a_lake_whose_files_are_gone_is_unavailable(catalog: Catalog, tmp_path: Path) -> None:
    append(catalog, TABLE, rows(1), batch_id="b1")
    shutil.rmtree(tmp_path / "lake")

    with pytest.raises(LakeUnavailable, match=TABLE):
        append(catalog, TABLE, rows(1), batch_id="b2")
    with pytest.raises(LakeUnavailable):
        query(catalog, f"SELECT * FROM {TABLE}")
