"""Credentials for customer accounts: one cached, self-refreshing session per role, one client per role and region."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.credentials import Credentials, DeferredRefreshableCredentials
from botocore.exceptions import ClientError
from botocore.session import get_session

from headwater.aws.errors import is_expired, translated
from headwater.aws.refusals import Asked
from headwater.errors import AccessDenied, TransientError
from headwater.model import Source

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

ROLE_SESSION_S = 3600  # the longest an assumed role may have when we are a role ourselves (role chaining limit)
FETCH_THREADS = 16
SESSION_NAME = "headwater"  # what the customer's CloudTrail shows: assumed-role/headwater-reader/headwater
T = TypeVar("T")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Role:
    """A role that is assumed; no ARN: our own credentials."""

    arn: str | None
    external_id: str | None


class Sessions:
    """S3 clients of the customers' roles, shared by all threads.

    role_session_name: stands in the customers' CloudTrail; it says what of Headwater reads there. A session lasts an
    hour and is renewed from fifteen minutes before its end on, by whichever thread comes first.
    """

    def __init__(
        self, region: str, role_session_name: str = SESSION_NAME, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._region = region
        self._now = now
        self._name = role_session_name
        session = get_session()
        session.set_config_variable(
            "sts_regional_endpoints", "regional"
        )  # also where AWS_STS_REGIONAL_ENDPOINTS differs
        self._loader = session.get_component("data_loader")
        self._base = boto3.Session(botocore_session=session, region_name=region)
        self._credentials: dict[_Role, Credentials] = {}
        self._clients: dict[tuple[_Role, str], S3Client] = {}
        self._lock = threading.Lock()

    def s3(self, source: Source) -> S3Client:
        """The S3 client that reads a source; botocore follows and remembers a bucket that is in another region.

        Raises: AccessDenied for an account that has a role but no ExternalId: the role is never assumed without one.
        """
        return self._client(self._role(source), source.region or self._region)

    def s3_as(self, role_arn: str | None) -> S3Client:
        """The S3 client of a role that asks for no ExternalId, such as a lookup table's; None: of our own role."""
        return self._client(_Role(role_arn, None), self._region)

    def ask(self, source: Source, call: Callable[[S3Client], T]) -> T:
        """What a call of a source's client gives; once more with a new session where AWS says that ours has ended.

        Raises: botocore's errors; AccessDenied of the role itself.
        """
        client = self.s3(source)
        try:
            return call(client)
        except ClientError as error:
            if not (source.role_arn and is_expired(error)):
                raise
        self._renew(self._role(source), client)
        return call(self.s3(source))

    def _role(self, source: Source) -> _Role:
        if source.role_arn and not source.external_id:
            raise AccessDenied(
                f"account {source.account_id} ({source.account_name}) has no ExternalId yet",
                "run `headwater onboard apply`, or set external_id in accounts.yml",
                service="sts",
            )
        return _Role(source.role_arn, source.external_id if source.role_arn else None)

    def _client(self, role: _Role, region: str) -> S3Client:
        with self._lock:
            if (role, region) not in self._clients:
                self._clients[role, region] = self._make(role, region)
            return self._clients[role, region]

    def _renew(self, role: _Role, refused: S3Client) -> None:
        """Forget a role's session, unless another thread has done so since the refused client was made."""
        with self._lock:
            mine = [key for key in self._clients if key[0] == role]
            if any(self._clients[key] is refused for key in mine):
                self._credentials.pop(role, None)
                for key in mine:
                    del self._clients[key]

    def _make(self, role: _Role, region: str) -> S3Client:
        config = Config(
            retries={"mode": "adaptive", "max_attempts": 5},
            max_pool_connections=FETCH_THREADS,
            connect_timeout=10,
            read_timeout=60,
        )
        if role.arn is None:
            own: S3Client = self._base.client("s3", region_name=region, config=config)
            return own
        session = get_session()
        session.register_component("data_loader", self._loader)  # or each client parses S3's model: 12 MiB, 0.15 s
        if role not in self._credentials:
            self._credentials[role] = self._assuming(role.arn, role.external_id)
        session._credentials = self._credentials[role]  # type: ignore[attr-defined]  # botocore's only hook
        customers: S3Client = boto3.Session(botocore_session=session).client("s3", region_name=region, config=config)
        return customers

    def _assuming(self, role_arn: str, external_id: str | None) -> DeferredRefreshableCredentials:
        """Credentials that renew themselves before they expire."""
        return DeferredRefreshableCredentials(
            refresh_using=lambda: self._assume(role_arn, external_id),
            method="sts-assume-role",
            time_fetcher=self._now,
        )

    def _assume(self, role_arn: str, external_id: str | None) -> dict[str, Any]:
        sts = self._base.client("sts", region_name=self._region)
        identity: dict[str, Any] = {"ExternalId": external_id} if external_id else {}
        with translated(f"assume {role_arn}", asked=Asked(service="sts", action="sts:AssumeRole", resource=role_arn)):
            answer = sts.assume_role(
                RoleArn=role_arn,
                RoleSessionName=self._name,
                DurationSeconds=ROLE_SESSION_S,
                **identity,
            )
        made = answer["Credentials"]
        if made["Expiration"] <= self._now():  # botocore would raise a RuntimeError
            raise TransientError(f"assume {role_arn}: the session is over already: the clock of this machine is wrong")
        return {
            "access_key": made["AccessKeyId"],
            "secret_key": made["SecretAccessKey"],
            "token": made["SessionToken"],
            "expiry_time": made["Expiration"].isoformat(),
        }
