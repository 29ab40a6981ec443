"""Read-only looks at the accounts on the way of a notification, and what their policies say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from headwater.accounts.model import Account, Central
from headwater.errors import OnboardError
from headwater.onboard.iam_policy import Decision, Principal, Request, evaluate
from headwater.onboard.sessions import Sessions, reason
from headwater.onboard.subscriptions import central_session
from headwater.onboard.verify import Check

AGAIN = "run `headwater onboard apply`, which makes what is missing"


class Eyes:
    """Clients of the customer's deploy role, of the central account and of the worker; each is made once."""

    def __init__(self, account: Account, central: Central, sessions: Sessions, worker: boto3.Session) -> None:
        self.account = account
        self.central = central
        self._sessions = sessions
        self._made: dict[tuple[str, str], boto3.Session] = {("worker", central.region): worker}
        self._clients: dict[tuple[str, str, str], Any] = {}

    def customer(self, service: str, region: str) -> Any:
        """As the deploy role of the account. Raises: OnboardError where it cannot be assumed."""
        return self._client("customer", service, region, lambda: self._sessions.deploy(self.account, region))

    def hub(self, service: str, region: str | None = None) -> Any:
        """As ourselves in the central account, without region in the queue's. Raises: OnboardError where we cannot."""
        place = region or self.central.region
        return self._client("central", service, place, lambda: central_session(self.central, self._sessions))

    def worker(self, service: str) -> Any:
        """As the worker, in the queue's region."""
        return self._client("worker", service, self.central.region, self._sessions.ours)

    def _client(self, who: str, service: str, region: str, make: Callable[[], boto3.Session]) -> Any:
        if (who, region) not in self._made:
            self._made[who, region] = make()
        if (who, service, region) not in self._clients:
            self._clients[who, service, region] = self._sessions.client(self._made[who, region], service, region)
        return self._clients[who, service, region]


@dataclass(frozen=True, slots=True)
class Need:
    """What an AWS service must be allowed on the way. source_arn, source_account: in whose name it acts."""

    services: tuple[str, ...]
    actions: tuple[str, ...]
    resource: str
    source_arn: str
    source_account: str

    def granted(self, policy: str | None, organization_id: str | None) -> bool:
        """Whether a resource policy grants it. Raises: OnboardError for a condition that we do not understand."""
        context = {
            "aws:SourceArn": self.source_arn,
            "aws:SourceAccount": self.source_account,
            "aws:SecureTransport": "true",
            "aws:PrincipalIsAWSService": "true",
            **({"aws:SourceOrgID": organization_id} if organization_id else {}),
        }
        return policy is not None and any(
            all(
                evaluate(
                    policy, Request(Principal(service=service), action, self.resource, context), with_principal=True
                )
                is Decision.ALLOW
                for action in self.actions
            )
            for service in self.services
        )

    @property
    def statement(self) -> str:
        """The statement that grants it, as JSON."""
        return json.dumps(
            {
                "Effect": "Allow",
                "Principal": {"Service": self.services[0]},
                "Action": self.actions[0] if len(self.actions) == 1 else list(self.actions),
                "Resource": self.resource,
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": self.source_arn},
                    "StringEquals": {"aws:SourceAccount": self.source_account},
                },
            }
        )


def look(name: str, work: Callable[[], Check]) -> Check:
    """A check that asks AWS; one that we may not ask is not checked."""
    try:
        return work()
    except OnboardError as error:
        return not_checked(name, str(error))
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "")).lower()
        if "denied" in code or "authoriz" in code:
            return not_checked(name, reason(error))
        return Check(name, False, reason(error), AGAIN)
    except BotoCoreError as error:
        return Check(name, False, reason(error))


def not_checked(name: str, why: str) -> Check:
    """A check that could not be made."""
    return Check(name, True, why, checked=False)


def policy_check(name: str, what: str, policy: str | None, need: Need, organization_id: str | None) -> Check:
    """Whether the policy of `what` grants a need; the missing statement where it does not."""
    if need.granted(policy, organization_id):
        return Check(name, True, f"{need.services[0]} may {need.actions[0]} on {what}")
    return Check(name, False, f"the policy of {what} refuses {need.services[0]}", f"add to it: {need.statement}")


def key_check(name: str, kms: Any, key_id: str, need: Need, organization_id: str | None) -> Check:
    """Whether the key of a topic or queue lets the service that sends there use it; without that messages vanish."""
    if key_id.startswith("alias/aws/"):
        fix = "encrypt with a key of your own, or with SSE-SQS: nobody can edit the policy of AWS's key"
        return Check(name, False, f"{key_id} lets no other service in", fix)
    arn = str(kms.describe_key(KeyId=key_id)["KeyMetadata"]["Arn"])
    policy = str(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    return policy_check(name, f"the key {arn}", policy, need, organization_id)


def queue_url(client: Any, queue_arn: str) -> str:
    """The URL of a queue; made, because the worker may not ask for it."""
    _, _, _, _, account_id, name = queue_arn.split(":", 5)
    return f"{client.meta.endpoint_url.rstrip('/')}/{account_id}/{name}"


def queue_checks(label: str, eyes: Eyes, services: tuple[str, ...], source_arn: str) -> list[Check]:
    """Whether our queue and its key take what a service sends in the name of `source_arn`."""
    queue_arn, organization_id = eyes.central.queue_arn, eyes.central.organization_id
    name, place = f"queue from {label}", f"the queue {queue_arn.rpartition(':')[2]}"
    found: dict[str, str] = {}

    def queue() -> Check:
        client = eyes.worker("sqs")
        url = queue_url(client, queue_arn)
        asked = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy", "KmsMasterKeyId"])
        found.update(asked.get("Attributes", {}))
        need = Need(services, ("sqs:SendMessage",), queue_arn, source_arn, source_arn.split(":")[4])
        return policy_check(name, place, found.get("Policy"), need, organization_id)

    checks = [look(name, queue)]
    key_id = found.get("KmsMasterKeyId")
    if key_id:
        need = Need(services, ("kms:Decrypt", "kms:GenerateDataKey"), "*", source_arn, source_arn.split(":")[4])
        checks.append(
            look(f"{name}: key", lambda: key_check(f"{name}: key", eyes.hub("kms"), key_id, need, organization_id))
        )
    return checks


def as_text(document: Any) -> str:
    """A policy document that AWS gives as an object or as text."""
    return json.dumps(document) if isinstance(document, Mapping) else str(document)
