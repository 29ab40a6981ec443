"""The errors of what lies under PyIceberg, as ours.

PyIceberg lets the errors of its catalogs (botocore for Glue, SQLAlchemy for SQLite) and of its files (OSError) through.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from headwater.errors import AccessDenied, HeadwaterError, LakeUnavailable

# What a SQLite catalog raises when another process creates the same thing between its check and its INSERT or CREATE.
LOST_RACE: Final = (IntegrityError, OperationalError)
DENIED: Final = ("AccessDenied", "ACCESS_DENIED", "AllAccessDisabled", "not authorized to perform")
GRANT: Final = "the worker role's lake permissions: Glue tables, s3:GetObject, s3:PutObject, kms:GenerateDataKey"


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Errors of the catalog and of its storage raised inside, as AccessDenied or LakeUnavailable.

    doing: what failed, for the message.
    """
    try:
        yield
    except NoCredentialsError as error:
        raise AccessDenied(f"{doing}: no AWS credentials found", "run with a role or set AWS_PROFILE") from error
    except (ClientError, BotoCoreError, DBAPIError, OSError) as error:
        raise _ours(doing, str(error)) from error


def _ours(doing: str, text: str) -> HeadwaterError:
    if any(word in text for word in DENIED):
        return AccessDenied(f"{doing}: {text}", GRANT)
    return LakeUnavailable(f"{doing}: {text}")
