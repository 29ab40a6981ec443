"""botocore's errors as ours, by whether a retry can help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from headwater.aws.refusals import Asked, is_unknown_key, refusal
from headwater.errors import AccessDenied, ConfigError, HeadwaterError, ObjectError, ObjectMissing, TransientError

MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404", "NotFound"})
REPLACED = frozenset({"PreconditionFailed", "412"})
DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "403", "Forbidden", "AllAccessDisabled", "RegionDisabledException"}
)
KMS_DENIED = frozenset(
    {
        "KMS.AccessDeniedException",
        "KMS.DisabledException",
        "KMS.KMSInvalidStateException",
        "KMS.InvalidStateException",
        "KMS.NotFoundException",
        "KMS.InvalidKeyUsageException",
    }
)  # others of KMS pass: ThrottlingException, KMSInternalException, DependencyTimeoutException, KeyUnavailableException

# The session ended, or its role was made anew: a fresh one may be taken.
EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken", "InvalidAccessKeyId"}
)
WRONG_REGION = frozenset(
    {"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)  # botocore follows one redirection by itself; this is what is left

# Nothing that waiting mends: the setting names something that is not there.
NOT_THERE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NotFoundException"})


@contextmanager
def translated(doing: str, statement: str = "", *, asked: Asked | None = None) -> Iterator[None]:
    """AWS errors raised inside, as ours.

    doing: what failed, for the message. statement: what to grant if refused. asked: instead, the call of a customer's
    role, from which service and statement of a refusal are told.
    """
    try:
        yield
    except ClientError as error:
        raise _ours(error, doing, asked or Asked(statement)) from error
    except NoCredentialsError as error:
        raise AccessDenied(f"{doing}: no AWS credentials found", "run with a role or set AWS_PROFILE") from error
    except BotoCoreError as error:
        raise TransientError(f"{doing}: {error}") from error


def code_of(error: ClientError) -> str:
    """AWS's word for an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_expired(error: ClientError) -> bool:
    """Whether fresh credentials may help."""
    return code_of(error) in EXPIRED


def _ours(error: ClientError, doing: str, asked: Asked) -> HeadwaterError:
    code, text = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    said = f"{doing}: {code} {text}".rstrip()
    if code in MISSING:
        return ObjectMissing(said)
    if code in REPLACED:
        return ObjectMissing(f"{doing}: it was replaced since; what replaced it has a notification of its own")
    if code in DENIED and asked.service == "s3" and asked.action != "s3:ListBucket" and is_unknown_key(text):
        return ObjectMissing(f"{said}: missing, or not allowed; S3 tells them apart for roles with s3:ListBucket only")
    if code in DENIED or code in KMS_DENIED:
        found = refusal(code, text, asked)
        return AccessDenied(said, found.statement, service=found.service)
    if unreadable := _unreadable(code, text):
        return ObjectError("unsupported", f"{doing}: {unreadable}")
    if code in WRONG_REGION:
        fix = "Set region of the source in accounts.yml to the bucket's own."
        return ConfigError.one("accounts.yml", f"{said}: the bucket is in another region", fix=fix)
    if code in NOT_THERE:
        return ConfigError.one("environment", f"{doing}: {text}", fix="Check HEADWATER_QUEUE_URL and HEADWATER_REGION.")
    return TransientError(said + _hint(code))


def _unreadable(code: str, text: str) -> str:
    """Why no permission and no retry can read an object; empty for any other error."""
    if code == "InvalidObjectState":
        return "it is archived (Glacier); restore it first, then `headwater requeue` it"
    if code == "InvalidRequest" and "Server Side Encryption" in text:
        return "it is encrypted with a key of the customer's own (SSE-C), which nobody else can read"
    return ""


def _hint(code: str) -> str:
    return ": the clock of this machine is wrong" if code in ("RequestTimeTooSkewed", "RequestExpired") else ""
