"""Names and ARNs built in one place, within AWS's limits."""

from __future__ import annotations

import hashlib
import re

MAX_ROLE_NAME = 64  # IAM CreateRole
HASH_DIGITS = 8
PARTITIONS = (  # by the beginning of a region's name; botocore's endpoints.json
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)
DIRECTION = "(?:north|south|east|west|central|northeast|northwest|southeast|southwest)"
REGION = re.compile(rf"(?:[a-z]{{2}}|[a-z]{{2}}-(?:gov|iso[a-z]?)|eusc-[a-z]{{2}})-{DIRECTION}-[1-9]\Z")


def role_name(*parts: str) -> str:
    """A role name from its parts, joined by hyphens; what is longer than 64 is cut and ends in a hash of the whole."""
    name = "-".join(part for part in parts if part)
    if len(name) <= MAX_ROLE_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:HASH_DIGITS]
    return f"{name[: MAX_ROLE_NAME - HASH_DIGITS - 1]}-{digest}"


def role_arn(partition: str, account_id: str, name: str, path: str = "/") -> str:
    """The ARN of an IAM role."""
    return f"arn:{partition}:iam::{account_id}:role{path}{name}"


def partition_of(region: str) -> str:
    """The AWS partition of a region: aws, aws-us-gov, aws-cn …"""
    return next((partition for start, partition in PARTITIONS if region.startswith(start)), "aws")
