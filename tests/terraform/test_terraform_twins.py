"""The Terraform module and the CloudFormation template say the same, whatever options are combined."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from headwater.demo.aws_server import LocalAws
from support.cfn import load_template, resolve
from support.customer_cases import ACCOUNT_ID
from support.customer_combinations import LAYOUTS, PARTITIONS, Choice, add_choices, covering_choices, every_choice
from support.iam import Atom, Request, atoms, is_allowed, listed
from support.terraform import REPOSITORY, Terraform, planned_values

pytestmark = pytest.mark.terraform

TEMPLATE = load_template(REPOSITORY / "cfn_templates/customer-account.yml")
Resources = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Twins:
    """One choice, rendered by both.

    ours: address inside of the module → attributes; theirs: logical id → properties; documents: of our role.
    """

    choice: Choice
    ours: Resources
    theirs: Resources
    documents: Mapping[str, str]

    def all_of(self, kind: str) -> list[Mapping[str, Any]]:
        """Our resources of an address such as aws_sns_topic.this, whatever their key."""
        return [values for address, values in self.ours.items() if address.partition("[")[0] == kind]

    def with_property(self, name: str) -> list[Mapping[str, Any]]:
        """Their resources that have a property."""
        return [properties for properties in self.theirs.values() if name in properties]

    def allowed_to(self, role: str) -> set[Atom]:
        """All that the stack's policies allow to a role."""
        documents = [p["PolicyDocument"] for p in self.theirs.values() if p.get("Roles") == [role]]
        return set().union(*map(atoms, documents))


def twins_of(plan: Mapping[str, Any], choices: list[Choice]) -> list[Twins]:
    """Both renderings of every choice in a plan."""
    outputs = plan["planned_values"]["outputs"]
    ours = by_choice(planned_values(plan))
    return [
        Twins(
            choice,
            ours[choice.name],
            stack(choice),
            outputs[f"every_{choice.partition}"]["value"][choice.name],
        )
        for choice in choices
    ]


def by_choice(resources: Resources) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Name of the choice → its resources by their address inside of the module."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for address, values in resources.items():
        call, _, rest = address.partition('["')
        if call.startswith("module.every_"):
            name, _, inside = rest.partition('"].')
            found.setdefault(name, {})[inside] = values
    return found


def stack(choice: Choice) -> dict[str, Mapping[str, Any]]:
    """The resources of the CloudFormation twin."""
    case = choice.case()
    return resolve(
        TEMPLATE,
        case.stack_parameters(),
        account_id=ACCOUNT_ID,
        region=case.region,
        partition=case.partition,
        url_suffix=case.url_suffix,
    )


@pytest.fixture(
    scope="session",
    params=["covering", pytest.param("every", marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
)
def twins(request: pytest.FixtureRequest) -> list[Twins]:
    """Every three options in all their values; with the slow tests every combination."""
    if request.param == "covering":
        return twins_of(request.getfixturevalue("planned"), covering_choices())
    plan: Callable[[list[Choice]], Mapping[str, Any]] = request.getfixturevalue("plan_choices")
    slices = [[c for c in every_choice() if (c.partition, c.layout) == key] for key in product(PARTITIONS, LAYOUTS)]
    return [one for choices in slices for one in twins_of(plan(choices), choices)]


@pytest.fixture(scope="session")
def plan_choices(
    initialised: Callable[[str], Terraform], tree: Path, aws: LocalAws
) -> Callable[[list[Choice]], Mapping[str, Any]]:
    """Plan some choices; 160 take half a minute, and the time grows faster than their number."""

    def plan(choices: list[Choice]) -> Mapping[str, Any]:
        folder = f"combinations/{choices[0].name}"
        (tree / folder).mkdir(parents=True)
        (tree / folder / "main.tf.json").write_text(json.dumps(add_choices(bare_root(), choices, "../../modules")))
        return replace(initialised(folder), environment=aws.environment).plan()

    return plan


def bare_root() -> dict[str, Any]:
    """A root module with a provider for every partition and nothing else."""
    others = [{"alias": partition, "region": region} for partition, region in OTHERS.items()]
    return {"provider": {"aws": [{"region": "us-east-1"}, *others]}, "module": {}, "output": {}}


OTHERS = {"aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}


def differing(twins: Iterable[Twins], equal: Callable[[Twins], bool]) -> list[str]:
    """The names of the choices in which the twins differ."""
    return [one.choice.name for one in twins if not equal(one)]


def test_the_same_principals_may_assume_the_role(twins: list[Twins]) -> None:
    def equal(one: Twins) -> bool:
        theirs = one.theirs["ReaderRole"]["AssumeRolePolicyDocument"]
        return atoms(json.loads(one.documents["trust"])) == atoms(theirs)

    assert differing(twins, equal) == []


def test_the_role_may_do_the_same(twins: list[Twins]) -> None:
    assert differing(twins, lambda t: atoms(json.loads(t.documents["permissions"])) == t.allowed_to("ReaderRole")) == []


def test_roles_are_named_and_bounded_alike(twins: list[Twins]) -> None:
    def equal(one: Twins) -> bool:
        ours = {
            (r["name"], r["path"], r["permissions_boundary"])
            for kind in ("this", "events")
            for r in one.all_of(f"aws_iam_role.{kind}")
        }
        theirs = one.with_property("AssumeRolePolicyDocument")
        return ours == {(r["RoleName"], r["Path"], r.get("PermissionsBoundary")) for r in theirs}

    assert differing(twins, equal) == []


def test_topics_are_named_and_encrypted_alike(twins: list[Twins]) -> None:
    def equal(one: Twins) -> bool:
        ours = {(r["name"], r["kms_master_key_id"]) for r in one.all_of("aws_sns_topic.this")}
        return ours == {(t["TopicName"], t.get("KmsMasterKeyId")) for t in one.with_property("TopicName")}

    assert differing(twins, equal) == []


def test_the_same_may_publish_and_subscribe(twins: list[Twins]) -> None:
    def equal(one: Twins) -> bool:
        ours = [atoms(json.loads(r["policy"])) for r in one.all_of("aws_sns_topic_policy.this")]
        theirs = [atoms(p["PolicyDocument"]) for p in one.with_property("Topics")]
        return len(ours) == len(theirs) and all(policy in theirs for policy in ours)

    assert differing(twins, equal) == []


def test_the_queue_is_subscribed_alike(twins: list[Twins]) -> None:
    def equal(one: Twins) -> bool:
        ours = [
            (r["protocol"], r["endpoint"], r["raw_message_delivery"], json.loads(r["redrive_policy"] or "null"))
            for r in one.all_of("aws_sns_topic_subscription.this")
        ]
        theirs = [
            (s["Protocol"], s["Endpoint"], s["RawMessageDelivery"], s.get("RedrivePolicy"))
            for s in one.with_property("Protocol")
        ]
        return ours == theirs

    assert differing(twins, equal) == []


def test_the_same_events_are_forwarded_to_the_same_bus(twins: list[Twins]) -> None:
    def equal(one: Twins) -> bool:
        patterns = (json.loads(r["event_pattern"]) for r in one.all_of("aws_cloudwatch_event_rule.this"))
        targets = {r["arn"] for r in one.all_of("aws_cloudwatch_event_target.this")}
        theirs = one.with_property("EventPattern")
        return (
            {event for pattern in patterns for event in forwarded(pattern)}
            == {event for rule in theirs for event in forwarded(rule["EventPattern"])}
        ) and targets == {target["Arn"] for rule in theirs for target in rule["Targets"]}

    assert differing(twins, equal) == []


def forwarded(pattern: Mapping[str, Any]) -> set[tuple[str, str, str, str]]:
    """(source, type, bucket, prefix) of the events that a rule lets through: the twins group them differently."""
    detail = pattern["detail"]
    prefixes = [key["prefix"] for key in detail.get("object", {}).get("key", [{"prefix": ""}])]
    return {
        (pattern["source"][0], pattern["detail-type"][0], bucket, prefix)
        for bucket in listed(detail["bucket"]["name"])
        for prefix in prefixes
    }


def test_the_rules_role_may_do_the_same(twins: list[Twins]) -> None:
    def equal(one: Twins) -> bool:
        policies = [atoms(json.loads(r["policy"])) for r in one.all_of("aws_iam_role_policy.events")]
        return set().union(*policies) == one.allowed_to("EventsRole")

    assert differing(twins, equal) == []


def test_only_the_own_rules_may_assume_their_role(twins: list[Twins]) -> None:
    """The names of the rules differ: one per bucket in Terraform, one per source in CloudFormation."""

    def equal(one: Twins) -> bool:
        rules = [r["name"] for r in one.all_of("aws_cloudwatch_event_rule.this")]
        trusts = [r["assume_role_policy"] for r in one.all_of("aws_iam_role.events")]
        names = [r["Name"] for r in one.with_property("EventPattern")]
        return all(opens_to(one, json.loads(trust), rules) for trust in trusts) and (
            "EventsRole" not in one.theirs or opens_to(one, one.theirs["EventsRole"]["AssumeRolePolicyDocument"], names)
        )

    assert differing(twins, equal) == []
    assert any(one.all_of("aws_iam_role.events") for one in twins)


def opens_to(one: Twins, trust: Mapping[str, Any], rules: list[str]) -> bool:
    """Whether a trust policy lets these rules in, no other rule, and no other account."""
    arn = f"arn:{one.choice.partition}:events:{one.choice.case().region}:{ACCOUNT_ID}:rule"

    def allowed(rule: str, account: str = ACCOUNT_ID) -> bool:
        context = {"aws:SourceAccount": account, "aws:SourceArn": f"{arn}/{rule}"}
        return is_allowed(trust, Request("sts:AssumeRole", "", "events.amazonaws.com", context))

    return all(map(allowed, rules)) and not allowed("another") and not any(allowed(r, "444455556666") for r in rules)


def test_choices_are_not_all_alike(twins: list[Twins]) -> None:
    """What differs between choices is compared: the tests above cannot pass on empty sets."""
    topics = {len(one.all_of("aws_sns_topic.this")) for one in twins}
    rules = {len(one.all_of("aws_cloudwatch_event_rule.this")) for one in twins}

    assert topics == rules == {0, 1, 2}
