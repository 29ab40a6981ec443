"""botocore's errors as ours, by whether a retry can help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from headwater.errors import AccessDenied, ConfigError, HeadwaterError, ObjectMissing, TransientError

MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404", "NotFound"})
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403", "Forbidden", "AllAccessDisabled"})

# Nothing that waiting mends: the setting names something that is not there.
NOT_THERE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NotFoundException"})


@contextmanager
def translated(doing: str, statement: str = "") -> Iterator[None]:
    """AWS errors raised inside, as ours. doing: what failed, for the message. statement: what to grant if refused."""
    try:
        yield
    except ClientError as error:
        raise _ours(error, doing, statement) from error
    except NoCredentialsError as error:
        raise AccessDenied(f"{doing}: no AWS credentials found", "run with a role or set AWS_PROFILE") from error
    except BotoCoreError as error:
        raise TransientError(f"{doing}: {error}") from error


def _ours(error: ClientError, doing: str, statement: str) -> HeadwaterError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    text = str(error.response.get("Error", {}).get("Message", ""))
    if code in MISSING:
        return ObjectMissing(f"{doing}: {code} {text}")
    if code in DENIED or code.startswith("KMS."):
        if "kms" in text.lower() or code.startswith("KMS."):
            statement = "kms:Decrypt on the bucket's key, in the role's policy and in the key policy"
        return AccessDenied(f"{doing}: {code} {text}", statement)
    if code in NOT_THERE:
        return ConfigError.one("environment", f"{doing}: {text}", fix="Check HEADWATER_QUEUE_URL and HEADWATER_REGION.")
    return TransientError(f"{doing}: {code} {text}")
