"""Credentials for customer accounts: one cached, self-refreshing session per role."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.session import get_session

from headwater.aws.errors import translated
from headwater.errors import AccessDenied
from headwater.model import Source

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

ROLE_SESSION_S = 3600  # the longest an assumed role may have when we are a role ourselves (role chaining limit)
FETCH_THREADS = 16


class Sessions:
    """S3 clients of the customers' roles, one per role and region, shared by all threads."""

    def __init__(self, region: str, role_session_name: str = "headwater") -> None:
        self._region = region
        self._name = role_session_name
        self._base = boto3.Session(region_name=region)
        self._clients: dict[tuple[str | None, str | None, str], S3Client] = {}
        self._lock = threading.Lock()

    def s3(self, source: Source) -> S3Client:
        """The S3 client that reads a source.

        Raises: AccessDenied for an account that has a role but no ExternalId: the role is never assumed without one.
        """
        if source.role_arn and not source.external_id:
            raise AccessDenied(
                f"account {source.account_id} ({source.account_name}) has no ExternalId yet",
                "run `headwater onboard apply`, or set external_id in accounts.yml",
            )
        return self._client(source.role_arn, source.external_id, source.region or self._region)

    def s3_as(self, role_arn: str | None) -> S3Client:
        """The S3 client of a role that asks for no ExternalId, such as a lookup table's; None: of our own role."""
        return self._client(role_arn, None, self._region)

    def _client(self, role_arn: str | None, external_id: str | None, region: str) -> S3Client:
        key = (role_arn, external_id, region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(role_arn, external_id, region)
            return self._clients[key]

    def _make(self, role_arn: str | None, external_id: str | None, region: str) -> S3Client:
        config = Config(
            retries={"mode": "adaptive", "max_attempts": 5},
            max_pool_connections=FETCH_THREADS,
            connect_timeout=10,
            read_timeout=60,
        )
        if role_arn is None:
            own: S3Client = self._base.client("s3", region_name=region, config=config)
            return own
        session = get_session()
        credentials = self._credentials(role_arn, external_id)
        session._credentials = credentials  # type: ignore[attr-defined]  # botocore's only hook
        customers: S3Client = boto3.Session(botocore_session=session).client("s3", region_name=region, config=config)
        return customers

    def _credentials(self, role_arn: str, external_id: str | None) -> DeferredRefreshableCredentials:
        """Credentials that renew themselves before they expire."""
        return DeferredRefreshableCredentials(
            refresh_using=lambda: self._assume(role_arn, external_id), method="sts-assume-role"
        )

    def _assume(self, role_arn: str, external_id: str | None) -> dict[str, Any]:
        sts = self._base.client("sts", region_name=self._region)  # boto3 uses the regional endpoint
        identity: dict[str, Any] = {"ExternalId": external_id} if external_id else {}
        statement = "sts:AssumeRole in the role's trust policy" + (", with this ExternalId" if external_id else "")
        with translated(f"assume {role_arn}", statement):
            answer = sts.assume_role(
                RoleArn=role_arn,
                RoleSessionName=self._name,
                DurationSeconds=ROLE_SESSION_S,
                **identity,
            )
        made = answer["Credentials"]
        return {
            "access_key": made["AccessKeyId"],
            "secret_key": made["SecretAccessKey"],
            "token": made["SessionToken"],
            "expiry_time": made["Expiration"].isoformat(),
        }
