"""Every combination of the options that the Terraform module and the CloudFormation template both have."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from support.customer_cases import ACCOUNT_ID, ORGANIZATION_ID, Case, key_arn

Options = tuple[Mapping[str, Any], Mapping[str, str]]  # variables of Terraform, parameters of CloudFormation
PARTITIONS = {
    "aws": ("us-east-1", "amazonaws.com"),
    "aws-us-gov": ("us-gov-west-1", "amazonaws.com"),
    "aws-cn": ("cn-north-1", "amazonaws.com.cn"),
}
SWITCHES = ("org", "boundary", "path")
ANNOUNCEMENTS = (
    "sns",
    "sns_dead",
    "sns_locked",
    "sns_locked_dead",
    "central",
    "central_locked",
    "existing",
    "existing_dead",
    "eventbridge",
    "none",
)
LAYOUTS: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "whole": ({"bucket": "logs.payments.example.com"},),
    "prefix": ({"bucket": "payments-logs", "prefix": "AWSLogs/"},),
    "shared": (
        {"bucket": "payments-logs", "prefix": "AWSLogs/"},
        {"bucket": "payments-other"},
        {"bucket": "payments-logs", "prefix": "alb/"},
    ),
}


@dataclass(frozen=True)
class Choice:
    """One value of every option. switches: which of _switches() are on."""

    partition: str
    layout: str
    encrypted: bool
    announced: str
    switches: frozenset[str]

    @property
    def name(self) -> str:
        """What is chosen, e.g. aws-cn_prefix_kms_eventbridge_boundary."""
        return "_".join(
            [self.partition, self.layout, *(["kms"] if self.encrypted else []), self.announced, *sorted(self.switches)]
        )

    def values(self) -> Iterator[tuple[str, object]]:
        """(option, value) of every option."""
        yield from (("partition", self.partition), ("layout", self.layout), ("kms", self.encrypted))
        yield "announced", self.announced
        yield from ((name, name in self.switches) for name in SWITCHES)

    def case(self) -> Case:
        """The choice in both languages."""
        region, url_suffix = PARTITIONS[self.partition]
        source, options = _announcements(self.partition, region)[self.announced]
        picked = [options, *(_switches(self.partition)[name] for name in sorted(self.switches))]
        extra = {"kms_key_arn": key_arn(region, self.partition)} if self.encrypted else {}
        return Case(
            tuple({**bucket, **extra, **source} for bucket in LAYOUTS[self.layout]),
            self.partition,
            region,
            url_suffix,
            variables={key: value for variables, _ in picked for key, value in variables.items()},
            parameters={key: value for _, parameters in picked for key, value in parameters.items()},
        )


def every_choice() -> list[Choice]:
    """The full product: 1,440 choices, some minutes of Terraform."""
    subsets = [frozenset(c) for size in range(len(SWITCHES) + 1) for c in itertools.combinations(SWITCHES, size)]
    options = itertools.product(PARTITIONS, LAYOUTS, (False, True), ANNOUNCEMENTS, subsets)
    return [Choice(*chosen) for chosen in options]


def covering_choices() -> list[Choice]:
    """Few choices in which every three options meet in all their values: a fault of up to three options shows."""
    triples = {choice: set(itertools.combinations(choice.values(), 3)) for choice in every_choice()}
    missing = set().union(*triples.values())
    chosen = []
    while missing:
        best = max(triples, key=lambda choice: len(triples[choice] & missing))
        missing -= triples[best]
        chosen.append(best)
    return chosen


def add_choices(root: dict[str, Any], choices: list[Choice], modules: str = "../modules") -> dict[str, Any]:
    """The root module, as Terraform's JSON, with a call of customer_account per partition, for each of its choices."""
    given = {choice: choice.case().terraform_variables() for choice in choices}
    names = sorted({name for variables in given.values() for name in variables})
    for partition in sorted({choice.partition for choice in choices}):
        call = f"every_{partition}"
        root.setdefault("locals", {})[call] = {
            choice.name: {name: variables.get(name) for name in names}
            for choice, variables in given.items()
            if choice.partition == partition
        }
        root["module"][call] = {
            "source": f"{modules}/customer_account",
            "for_each": f"${{local.{call}}}",
            "providers": {"aws": "aws" if partition == "aws" else f"aws.{partition}"},
            **{name: f"${{each.value.{name}}}" for name in names},
        }
        documents = "trust = one.trust_policy, permissions = one.permissions_policy"
        root["output"][call] = {
            "value": f"${{{{ for name, one in module.{call} : name => {{ {documents} }} }}}}",
        }
    return root


def _switches(partition: str) -> Mapping[str, Options]:
    """What can be asked for beside the sources, each on or off."""
    boundary = f"arn:{partition}:iam::{ACCOUNT_ID}:policy/boundary"
    return {
        "org": ({"organization_id": ORGANIZATION_ID}, {"OrganizationId": ORGANIZATION_ID}),
        "boundary": ({"permissions_boundary_arn": boundary}, {"PermissionsBoundaryArn": boundary}),
        "path": ({"role_path": "/corp/", "role_name": "log-read"}, {"RolePath": "/corp/", "RoleName": "log-read"}),
    }


def _announcements(partition: str, region: str) -> Mapping[str, tuple[Mapping[str, str], Options]]:
    """How objects are announced, with each mode's own options: (attributes of every source, options)."""
    queue = f"arn:{partition}:sqs:{region}:{ACCOUNT_ID}:undelivered"
    topic = f"arn:{partition}:sns:{region}:444455556666:shared"
    key = key_arn(region, partition)
    dead = {"subscription_dead_letter_queue_arn": queue}, {"SubscriptionDeadLetterQueueArn": queue}
    locked = {"topic_kms_key_arn": key}, {"TopicKmsKeyArn": key}
    central = {"subscribe_from": "central"}, {"SubscribeFrom": "central"}
    existing = {"notifications": "existing_topic", "topic_arn": topic}
    taken = {"Notifications": "existing_topic", "ExistingTopicArn": topic}
    return {
        "sns": ({}, ({}, {})),
        "sns_dead": ({}, dead),
        "sns_locked": ({}, locked),
        "sns_locked_dead": ({}, (locked[0] | dead[0], locked[1] | dead[1])),
        "central": ({}, central),
        "central_locked": ({}, (central[0] | locked[0], central[1] | locked[1])),
        "existing": (existing, ({}, taken)),
        "existing_dead": (existing, (dead[0], taken | dead[1])),
        "eventbridge": ({"notifications": "eventbridge"}, ({}, {"Notifications": "eventbridge"})),
        "none": ({"notifications": "none"}, ({}, {"Notifications": "none"})),
    }
