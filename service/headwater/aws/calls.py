"""Single calls of the AWS services that take alerts and keep secrets."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.session import get_session

from headwater.aws.errors import DENIED, code_of
from headwater.errors import AccessDenied, DeliveryFailed, DeliveryRefused, HeadwaterError

ROLE_SESSION = "headwater-alerts"  # what the customer's CloudTrail shows
TIMEOUTS = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 2})
LATER = frozenset(
    {
        "RequestTimeout",
        "RequestTimeoutException",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "ExpiredToken",
        "ExpiredTokenException",
        "LimitExceededException",
        "OperationAborted",
        "KMSThrottlingException",
        "KMSThrottling",
    }
)  # refusals with a status of 4xx that pass; whatever has "Throttl" or "TooManyRequests" in its name does too


class Api:
    """One service in one region, as our own role or as a role of a customer's; shared by all threads.

    The client is made at the first call: loading a service's model takes some milliseconds and no destination may
    keep a service from starting.
    """

    def __init__(self, service: str, region: str, role_arn: str = "", external_id: str = "") -> None:
        self._service = service
        self._region = region
        self._role_arn = role_arn
        self._external_id = external_id
        self._client: Any = None
        self._lock = threading.Lock()

    def __call__(self, operation: str, doing: str, statement: str = "", /, **arguments: Any) -> dict[str, Any]:
        """What a call answers.

        doing: what failed, for the message. statement: what to grant if refused.
        Raises: AccessDenied, DeliveryRefused for a request that is wrong, DeliveryFailed for the rest.
        """
        try:
            answer: dict[str, Any] = getattr(self._made(), operation)(**arguments)
        except ClientError as error:
            raise _ours(error, doing, statement) from error
        except NoCredentialsError as error:
            raise AccessDenied(f"{doing}: no AWS credentials found", "run with a role or set AWS_PROFILE") from error
        except BotoCoreError as error:
            raise DeliveryFailed(f"{doing}: {error}") from error
        return answer

    def _made(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._session().client(self._service, config=TIMEOUTS)
            return self._client

    def _session(self) -> boto3.Session:
        if not self._role_arn:
            return boto3.Session(region_name=self._region)
        session, own = get_session(), get_session()
        session._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # botocore's only hook
            AssumeRoleCredentialFetcher(
                own.create_client,
                own.get_credentials(),
                self._role_arn,
                extra_args={"RoleSessionName": ROLE_SESSION}
                | ({"ExternalId": self._external_id} if self._external_id else {}),
            ).fetch_credentials,
            "sts-assume-role",
        )
        return boto3.Session(botocore_session=session, region_name=self._region)


def _ours(error: ClientError, doing: str, statement: str) -> HeadwaterError:
    code, text = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    said = f"{doing}: {code} {text}".rstrip()
    if code in DENIED or (code.startswith("KMS") and "Denied" in code):
        return AccessDenied(said, statement)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    passes = code in LATER or "Throttl" in code or "TooManyRequests" in code or code == "SlowDown"
    return DeliveryFailed(said) if passes or not 400 <= status < 500 else DeliveryRefused(said)
