"""boto3 sessions of the onboarding: as ourselves, as an account's deploy role, as the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from headwater.accounts.model import Account
from headwater.errors import OnboardError


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makes sessions. region: of the STS endpoint. base: arguments of our own session, empty: where boto3 looks."""

    region: str
    base: Mapping[str, Any] = field(default_factory=dict, repr=False)
    endpoint_url: str | None = None

    def ours(self) -> boto3.Session:
        """Our own credentials."""
        return boto3.Session(**{"region_name": self.region, **self.base})

    def deploy(self, account: Account, region: str) -> boto3.Session:
        """The deploy role of an account.

        Raises: OnboardError where it cannot be assumed.
        """
        try:
            return self.assume(self.ours(), account.deploy_role_arn, "headwater-onboard", region)
        except (ClientError, BotoCoreError) as error:
            raise OnboardError(
                f"cannot assume {account.deploy_role_arn} in {account.name}: {reason(error)}."
                " Set deploy_role_name in accounts.yml, or let the role trust this account."
            ) from error

    def assume(
        self, session: boto3.Session, role_arn: str, name: str, region: str, external_id: str | None = None
    ) -> boto3.Session:
        """A session of another role. Raises: botocore's errors."""
        extra: Any = {"ExternalId": external_id} if external_id is not None else {}
        made = self.client(session, "sts", self.region).assume_role(RoleArn=role_arn, RoleSessionName=name, **extra)
        credentials = made["Credentials"]
        return boto3.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            region_name=region,
        )

    def client(self, session: boto3.Session, service: str, region: str | None = None) -> Any:
        """A client of a session; untyped, because the service is a variable."""
        make: Any = session.client
        return make(service, region_name=region, endpoint_url=self.endpoint_url)


def reason(error: ClientError | BotoCoreError) -> str:
    """What AWS says, short."""
    if isinstance(error, ClientError):
        detail = error.response.get("Error", {})
        return f"{detail.get('Code', '')}: {detail.get('Message', '')}".strip(": ").rstrip(".")
    return str(error).rstrip(".")
