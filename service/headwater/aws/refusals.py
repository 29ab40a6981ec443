"""Which service refused us, which of its policies did, and the statement that mends it.

S3 decrypts in the caller's name and passes on what KMS answers. Where caller and resource belong to one account, AWS
names the kind of policy that refused; across accounts it says no more than "Access Denied".
Source: AWS IAM user guide, "Access denied error message examples"; AWS S3 API reference, "Error responses".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from headwater.errors import Refuser

ACTION = re.compile(r"not authorized to perform: ([A-Za-z0-9]+):(\w+)")
RESOURCE = re.compile(r"on resource: \"?(arn:[^\s\"]+)")
USER = re.compile(r"User: (arn:[^\s]+)")
SESSION_ARN = re.compile(r"arn:([\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.*")
KEY_ARN = re.compile(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+")
EXPLICIT = re.compile(r"explicit deny in an? ([\w -]+?) policy")
MISSING_ALLOW = re.compile(r"because no ([\w -]+?) (?:policy|policies) allows?")
FOREIGN_KEY = ("does not exist in this region", "customer master key", "KMS key that does not exist")

# Policies that stand above the role: no statement of the role or the resource helps while they refuse.
ABOVE = ("service control", "resource control", "permissions boundary", "session", "VPC endpoint")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asked for, so that a refusal can say what to grant. resource: an ARN. grant: in words, where no
    statement can be written. principal: the role that asked."""

    grant: str = ""
    service: Refuser = ""
    action: str = ""
    resource: str = ""
    principal: str = ""
    key_arn: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who refused, and what to do."""

    service: Refuser
    statement: str


def refusal(code: str, message: str, asked: Asked) -> Refusal:
    """Read one refusal of AWS."""
    named = ACTION.search(message)
    if code.startswith("KMS.") or (named and named[1] == "kms") or any(text in message for text in FOREIGN_KEY):
        return Refusal("kms", _key(code, message, asked))
    if asked.service == "sts":
        return Refusal("sts", _role(code, message, asked))
    if asked.service == "s3":
        return Refusal("s3", _bucket(message, asked))
    return Refusal(asked.service, asked.grant)


def is_unknown_key(message: str) -> bool:
    """Whether S3 hides that an object is missing: it says so only to those who may list the bucket."""
    return "not authorized to perform: s3:ListBucket" in message


def _key(code: str, message: str, asked: Asked) -> str:
    key = found[0] if (found := KEY_ARN.search(message)) else asked.key_arn or "the bucket's key"
    if code.endswith("DisabledException") or "is disabled" in message:
        return f"nothing: the key is disabled. Enable {key} (aws kms enable-key), or restore the objects under another"
    if "InvalidState" in code or "pending deletion" in message:
        return f"nothing: the key is about to be deleted. Cancel it (aws kms cancel-key-deletion) and enable {key}"
    if code.endswith("NotFoundException"):
        return f"nothing: the key {key} is gone, and with it what it encrypts"
    if above := _above(message):
        return above
    policy = _denying(message)
    resource = "*" if policy == "resource-based" else key
    statement = _statement("kms:Decrypt", resource, asked.principal if policy == "resource-based" else "")
    if _denied_explicitly(message):
        return f"nothing: a Deny of the {_kind(policy, 'key')} applies to kms:Decrypt on {key}. Take the role out of it"
    if policy == "identity-based":
        return f"in the role's policy: {statement} (kms_key_arn of the source in accounts.yml, then onboard apply)"
    if policy == "resource-based":
        return f"in the policy of key {key}: {statement}"
    both = f"{_statement('kms:Decrypt', key)} in the role's policy"
    return f"{both}, and in the policy of the key {_statement('kms:Decrypt', '*', asked.principal)}"


def _role(code: str, message: str, asked: Asked) -> str:
    if code == "RegionDisabledException" or "is not activated in this region" in message:
        return "nothing: activate STS for this region in the account settings of IAM"
    if above := _above(message):
        return above
    caller = _role_of(found[1]) if (found := USER.search(message)) else ""
    if _denying(message) == "identity-based":
        return f"in the policy of {caller or 'our own role'}: {_statement('sts:AssumeRole', asked.resource)}"
    condition = {"StringEquals": {"sts:ExternalId": "<the account's ExternalId>"}}
    trust = _statement("sts:AssumeRole", "", caller or "<our role>", condition)
    return (
        f"in the trust policy of {asked.resource}: {trust} (if the role is gone, or names a principal made anew,"
        " run `headwater onboard apply`)"
    )


def _bucket(message: str, asked: Asked) -> str:
    if above := _above(message):
        return above
    policy = _denying(message)
    if _denied_explicitly(message):
        kind = _kind(policy, "bucket")
        return f"nothing: a Deny of the {kind} applies to {asked.action} on {asked.resource}. Take the role out of it"
    statement = _statement(asked.action, asked.resource)
    if policy == "identity-based":
        return f"in the role's policy: {statement}"
    return (
        f"in the role's policy: {statement}; if it stands there, look for a Deny in the bucket's policy, for objects"
        " that another account owns (BucketOwnerEnforced mends that), and for Requester Pays"
    )


def _above(message: str) -> str:
    """What to do where a policy above the role refuses; empty where none does."""
    lower = message.lower()
    for name in ABOVE:
        said = f"no {name} policy allows", f"no {name} allows", f"deny in a {name}", f"deny in an {name}"
        if any(text.lower() in lower for text in said):
            action = ":".join(found.groups()) if (found := ACTION.search(message)) else "the call"
            shown = name if name.endswith("boundary") else f"{name} policy"
            return f"nothing in role or resource: the {shown} must allow {action}"
    return ""


def _denying(message: str) -> str:
    found = EXPLICIT.search(message) or MISSING_ALLOW.search(message)
    return found[1] if found else ""


def _denied_explicitly(message: str) -> bool:
    return EXPLICIT.search(message) is not None


def _kind(policy: str, resource: str) -> str:
    return f"{resource}'s policy" if policy == "resource-based" else "role's policy"


def _role_of(arn: str) -> str:
    """The role of a session; a role's path does not stand in its sessions."""
    found = SESSION_ARN.fullmatch(arn)
    return f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}" if found else arn


def _statement(action: str, resource: str = "", principal: str = "", condition: dict[str, Any] | None = None) -> str:
    statement: dict[str, Any] = {"Effect": "Allow"}
    if principal:
        statement["Principal"] = {"AWS": principal}
    statement["Action"] = action
    if resource:
        statement["Resource"] = resource
    if condition:
        statement["Condition"] = condition
    return json.dumps(statement)
