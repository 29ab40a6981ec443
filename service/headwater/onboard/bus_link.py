"""The way bucket → EventBridge rule → central bus → queue, looked at step by step.

No test message goes this way: the rules take events of aws.s3 alone, and EventBridge lets nobody but S3 send such ones.
Instead EventBridge itself is asked (TestEventPattern) whether each rule would take the event of a new object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from headwater.accounts.model import SourceConfig
from headwater.onboard.eyes import AGAIN, Eyes, as_text, look, queue_checks
from headwater.onboard.iam_policy import Decision, Principal, Request, evaluate
from headwater.onboard.verify import Check

PLATFORM = "apply the platform module again, with organization_id or this account in eventbridge_account_ids"


def bus_link(bucket: str, sources: Sequence[SourceConfig], eyes: Eyes) -> Iterator[Check]:
    """Every step from one bucket to the queue."""
    region, name = sources[0].region, f"notification {bucket}"
    yield look(name, lambda: _switched_on(name, bucket, region, eyes))
    rules: list[dict[str, Any]] = []
    yield look(f"rule of {bucket}", lambda: _rule(bucket, sources, eyes, rules))
    if rules and "RoleArn" in rules[0]:
        role_arn = str(rules[0]["RoleArn"])
        yield look(
            f"role of {bucket}'s rule", lambda: _role(f"role of {bucket}'s rule", role_arn, rules[0]["Arn"], eyes)
        )
        yield look(f"bus from {bucket}", lambda: _bus(f"bus from {bucket}", role_arn, eyes))
    central: list[str] = []
    yield look(f"central rule for {bucket}", lambda: _central_rule(bucket, sources, eyes, central))
    if central:
        yield from queue_checks(f"bus for {bucket}", eyes, ("events.amazonaws.com",), central[0])


def _switched_on(name: str, bucket: str, region: str, eyes: Eyes) -> Check:
    existing = eyes.customer("s3", region).get_bucket_notification_configuration(Bucket=bucket)
    if "EventBridgeConfiguration" in existing:
        return Check(name, True, f"{bucket} sends its events to EventBridge")
    return Check(name, False, f"{bucket} sends no events to EventBridge", "switch that on in the bucket's properties")


def _rule(bucket: str, sources: Sequence[SourceConfig], eyes: Eyes, found: list[dict[str, Any]]) -> Check:
    """The rule of the bucket that forwards to the central bus; it is added to `found`, with the role of its target."""
    name, bus_arn = f"rule of {bucket}", eyes.central.event_bus_arn
    events = eyes.customer("events", sources[0].region)
    rules = [events.describe_rule(Name=rule) for rule in _rules_to(events, bus_arn)]
    fitting = [rule for rule in rules if all(_takes(events, rule, source, eyes.account.id) for source in sources)]
    if not fitting:
        what = "takes all its new objects" if rules else f"forwards to {bus_arn}"
        return Check(name, False, f"no rule of account {eyes.account.id} {what}", AGAIN)
    rule = fitting[0]
    if rule.get("State") != "ENABLED":
        return Check(
            name, False, f"the rule {rule['Name']} is switched off", f"aws events enable-rule --name {rule['Name']}"
        )
    targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    roles = [target["RoleArn"] for target in targets if target["Arn"] == bus_arn and "RoleArn" in target]
    found.append({"Arn": rule["Arn"], **({"RoleArn": roles[0]} if roles else {})})
    return Check(name, True, f"{rule['Name']} forwards to {bus_arn}")


def _rules_to(events: Any, target_arn: str, **place: str) -> list[str]:
    """The names of the rules that have a target."""
    names: list[str] = []
    page: dict[str, str] = {}
    while True:
        answer = events.list_rule_names_by_target(TargetArn=target_arn, **place, **page)
        names += answer["RuleNames"]
        if not answer.get("NextToken"):
            return names
        page = {"NextToken": answer["NextToken"]}


def _takes(events: Any, rule: dict[str, Any], source: SourceConfig, account_id: str) -> bool:
    """Whether EventBridge says that the rule's pattern takes a new object of the source."""
    event = {
        "version": "0",
        "id": "00000000-0000-4000-8000-000000000000",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "account": account_id,
        "region": source.region,
        "time": "2026-01-01T00:00:00Z",
        "resources": [],
        "detail": {"bucket": {"name": source.bucket}, "object": {"key": f"{source.prefix}link-test", "size": 1}},
    }
    return bool(events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"])


def _role(name: str, role_arn: str, rule_arn: str, eyes: Eyes) -> Check:
    """Whether the rule's role opens to EventBridge for this rule and may put events on the central bus."""
    iam, role_name = eyes.customer("iam", eyes.central.region), role_arn.rpartition("/")[2]
    trust = as_text(iam.get_role(RoleName=role_name)["Role"]["AssumeRolePolicyDocument"])
    context = {"aws:SourceAccount": eyes.account.id, "aws:SourceArn": rule_arn}
    opens = Request(Principal(service="events.amazonaws.com"), "sts:AssumeRole", role_arn, context)
    if evaluate(trust, opens, with_principal=True) is not Decision.ALLOW:
        return Check(name, False, f"{role_arn} does not open to EventBridge for {rule_arn}", AGAIN)
    puts = Request(Principal(eyes.account.id, role_arn), "events:PutEvents", eyes.central.event_bus_arn)
    if not any(evaluate(document, puts) is Decision.ALLOW for document in _documents(iam, role_name)):
        return Check(name, False, f"{role_arn} lacks events:PutEvents on {eyes.central.event_bus_arn}", AGAIN)
    return Check(name, True, role_arn)


def _documents(iam: Any, role_name: str) -> Iterator[str]:
    """Every policy of a role."""
    for policy in iam.list_role_policies(RoleName=role_name)["PolicyNames"]:
        yield as_text(iam.get_role_policy(RoleName=role_name, PolicyName=policy)["PolicyDocument"])
    for attached in iam.list_attached_role_policies(RoleName=role_name)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        yield as_text(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def _bus(name: str, role_arn: str, eyes: Eyes) -> Check:
    """Whether the policy of the central bus lets the rule's role put events there."""
    bus_arn, organization_id = eyes.central.event_bus_arn, eyes.central.organization_id
    policy = eyes.hub("events").describe_event_bus(Name=bus_arn).get("Policy")
    context = {"aws:PrincipalArn": role_arn, "aws:PrincipalAccount": eyes.account.id}
    context |= {"aws:PrincipalOrgID": organization_id} if organization_id else {}
    request = Request(Principal(eyes.account.id, role_arn), "events:PutEvents", bus_arn, context)
    granted = (Decision.ALLOW, Decision.ALLOW_ACCOUNT)
    if policy and evaluate(policy, request, with_principal=True) in granted:
        return Check(name, True, f"{bus_arn} takes events of account {eyes.account.id}")
    return Check(name, False, f"the policy of {bus_arn} refuses account {eyes.account.id}", PLATFORM)


def _central_rule(bucket: str, sources: Sequence[SourceConfig], eyes: Eyes, found: list[str]) -> Check:
    """The rule of the central bus that puts the bucket's events on the queue; its ARN is added to `found`."""
    name, events = f"central rule for {bucket}", eyes.hub("events")
    bus_name = eyes.central.event_bus_arn.rpartition("/")[2]
    for rule_name in _rules_to(events, eyes.central.queue_arn, EventBusName=bus_name):
        rule = events.describe_rule(Name=rule_name, EventBusName=bus_name)
        taken = all(_takes(events, rule, source, eyes.account.id) for source in sources)
        if taken and rule.get("State") == "ENABLED":
            found.append(str(rule["Arn"]))
            return Check(name, True, f"{rule_name} puts them on the queue")
    return Check(name, False, f"no enabled rule of the bus {bus_name} puts its events on the queue", PLATFORM)
