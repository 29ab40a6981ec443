"""Access decisions that stock moto leaves out: trust policies, role policies on S3 and KMS, queue and topic policies.

Roles that do not exist act as administrators of their account when they are bootstrap roles (the deploy role that an
organisation makes in every account), and so do the static credentials, which belong to no role.
moto's objects are untyped here: their shapes are moto's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from moto.core.exceptions import AccessDeniedError
from moto.iam import access_control
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, s3_backends
from moto.s3.responses import S3Response
from moto.sts.models import sts_backends
from moto.sts.responses import TokenResponse

from headwater.onboard.iam_policy import Decision, Principal, Request, allowed, allowed_by_key_or_trust, evaluate

ORGANIZATION_ID = "o-exampleorgid"
S3_ACTIONS = {  # moto's action name → the permission it needs; other actions are not enforced
    "GetObject": "s3:GetObject",
    "GetObjectVersion": "s3:GetObjectVersion",
    "PutObject": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "ListBucket": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    "GetBucketLocation": "s3:GetBucketLocation",
}
KMS_ACTIONS = {"GetObject": "kms:Decrypt", "GetObjectVersion": "kms:Decrypt", "PutObject": "kms:GenerateDataKey"}


def install(bootstrap_roles: Sequence[str]) -> None:
    """Put these decisions into moto's classes."""
    _install_trust_policies(frozenset(bootstrap_roles))
    _install_bucket_policies()
    _install_role_policies()


def replace(owner: Any, name: str, value: object) -> None:
    """Replace one attribute of a moto class or module."""
    setattr(owner, name, value)


def _install_trust_policies(bootstrap_roles: frozenset[str]) -> None:
    stock = TokenResponse.assume_role

    def assume_role(self: Any) -> Any:
        arn = str(self._get_param("RoleArn"))
        caller, role = _caller(self.get_access_key()), _role(arn)
        if caller is None or (role is None and arn.rpartition("/")[2] in bootstrap_roles):
            return stock(self)
        external_id = self._get_param("ExternalId")
        context = {**_context(caller), **({"sts:ExternalId": external_id} if external_id else {})}
        request = Request(caller, "sts:AssumeRole", arn, context)
        if role is None or not allowed_by_key_or_trust(
            request, _identity(caller), json.loads(role.assume_role_policy_document), owner=arn.split(":")[4]
        ):
            raise AccessDeniedError(user_arn=caller.session_arn, action=f"sts:AssumeRole on resource: {arn}")
        return stock(self)

    replace(TokenResponse, "assume_role", assume_role)


def _install_bucket_policies() -> None:
    """moto knows no condition but StringEquals and takes any other in a Deny as fulfilled: TLS-only buckets break."""

    def get_permission(self: Any, action: str, resource: str) -> access_control.PermissionResult:
        if self.policy is None:
            return access_control.PermissionResult.NEUTRAL
        request = Request(Principal(), action, resource, {"aws:SecureTransport": "true"})
        decision = evaluate(self.policy.decode(), request, with_principal=True)
        denied = decision is Decision.DENY
        return access_control.PermissionResult.DENIED if denied else access_control.PermissionResult.NEUTRAL

    replace(FakeBucket, "get_permission", get_permission)


def _install_role_policies() -> None:
    stock = S3Response._authenticate_and_authorize_s3_action

    def authorize(self: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
        stock(self, bucket_name=bucket_name, key_name=key_name)
        caller = _caller(self.get_access_key())
        action = self.data.get("Action")
        if caller is None or bucket_name not in s3_backends.bucket_accounts or action not in S3_ACTIONS:
            return
        if _role(caller.role_arn) is not None:
            _check_s3(caller, action, bucket_name, key_name, self)

    replace(S3Response, "_authenticate_and_authorize_s3_action", authorize)


def _check_s3(caller: Principal, action: str, bucket_name: str, key_name: str | None, response: Any) -> None:
    """Raises: S3ClientError AccessDenied, in AWS's words."""
    partition, owner = s3_backends.bucket_accounts[bucket_name]
    bucket = s3_backends[owner][partition].buckets[bucket_name]
    arn = f"arn:{partition}:s3:::{bucket_name}" + (f"/{key_name}" if key_name else "")
    context = {**_context(caller), "s3:prefix": response.querystring.get("prefix", [""])[0]}
    request = Request(caller, S3_ACTIONS[action], arn, context)
    policy = json.loads(bucket.policy) if bucket.policy else None
    if not allowed(request, _identity(caller), policy, owner=owner):
        raise _denied(request, "identity-based")
    key = _kms_key(_kms_key_id(action, bucket, str(key_name)), owner, bucket.region_name)
    if action in KMS_ACTIONS and key is not None:
        _check_kms(caller, KMS_ACTIONS[action], bucket, f"{bucket.arn}/{key_name}", key)


def _check_kms(caller: Principal, action: str, bucket: Any, object_arn: str, key: Any) -> None:
    """S3 asks KMS in the caller's name, and passes on what KMS answers."""
    context = {
        **_context(caller),
        "kms:ViaService": f"s3.{bucket.region_name}.amazonaws.com",
        "kms:CallerAccount": caller.account_id,
        "kms:EncryptionContext:aws:s3:arn": object_arn,
    }
    request, policy = Request(caller, action, key.arn, context), json.loads(key.policy)
    if evaluate(policy, request, with_principal=True) not in (Decision.ALLOW, Decision.ALLOW_ACCOUNT):
        raise _denied(request, "resource-based")
    if not allowed(request, _identity(caller), policy, owner=key.account_id):
        raise _denied(request, "identity-based")


def _denied(request: Request, kind: str) -> S3ClientError:
    who = f"User: {request.principal.session_arn} is not authorized to perform: {request.action}"
    why = f"because no {kind} policy allows the {request.action} action"
    return S3ClientError("AccessDenied", f"{who} on resource: {request.resource} {why}")


def _kms_key_id(action: str, bucket: Any, key_name: str) -> str | None:
    if action == "PutObject":
        rule = (bucket.encryption or {}).get("Rule", {}).get("ApplyServerSideEncryptionByDefault", {})
        return str(rule["KMSMasterKeyID"]) if "KMSMasterKeyID" in rule else None
    found = bucket.keys.get(key_name)
    return str(found.kms_key_id) if found is not None and found.encryption == "aws:kms" else None


def _kms_key(key_id: str | None, account_id: str, region: str) -> Any:
    if not key_id:
        return None
    if key_id.startswith("arn:"):
        _, _, _, region, account_id, _ = key_id.split(":", 5)
    backend = kms_backends[account_id][region]
    return backend.keys.get(backend.any_id_to_key_id(key_id))


def _caller(access_key: str) -> Principal | None:
    """The assumed role behind an access key; None for the static credentials."""
    for account_id in list(sts_backends):
        for partition in list(sts_backends[account_id]):
            found = sts_backends[account_id][partition].get_assumed_role_from_access_key(access_key)
            if found is not None:
                return Principal(account_id, found.role_arn, found.arn)
    return None


def _role(arn: str) -> Any:
    _, _, _, _, account_id, _ = arn.split(":", 5)
    backend = iam_backends[account_id][arn.split(":")[1]]
    return next((role for role in list(backend.roles.values()) if role.arn == arn), None)


def _identity(caller: Principal) -> list[Mapping[str, Any]]:
    """Every policy of the caller's role; a bootstrap role, which does not exist, may do everything."""
    role = _role(caller.role_arn)
    if role is None:
        return [{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]
    inline = [json.loads(text) for text in role.policies.values()]
    return inline + [json.loads(policy.document) for policy in role.managed_policies.values()]


def _context(caller: Principal) -> dict[str, str]:
    return {
        "aws:PrincipalArn": caller.role_arn,
        "aws:PrincipalAccount": caller.account_id,
        "aws:PrincipalOrgID": ORGANIZATION_ID,
        "aws:SecureTransport": "true",
    }
