"""The same onboarding by CloudFormation, for those who do not use Terraform: one stack per account.

A stack cannot change a bucket that it did not make, so the bucket's notification is added here, next to what it
notifies already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

from botocore.exceptions import ClientError, WaiterError

from headwater.accounts.lock import LockedAccount
from headwater.accounts.model import SourceConfig
from headwater.errors import OnboardError
from headwater.onboard import assets, notifications, subscriptions
from headwater.onboard.driver import Done, Lock, Row, Setup, side_by_side
from headwater.onboard.plan import AccountPlan, Unit
from headwater.onboard.sessions import reason

TEMPLATE = "customer-account.yml"
STACK = "headwater-customer-account"
MAX_SOURCES = 3  # of the template
CONSOLE = "console.aws.amazon.com"
CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}
WAITER = {"Delay": 3, "MaxAttempts": 200}
PLAIN = {  # template parameter → module variable
    "CentralAccountId": "central_account_id",
    "WorkerRoleArn": "worker_role_arn",
    "QueueArn": "queue_arn",
    "EventBusArn": "event_bus_arn",
    "OrganizationId": "organization_id",
    "ExternalId": "external_id",
    "RoleName": "role_name",
    "RolePath": "role_path",
    "PermissionsBoundaryArn": "permissions_boundary_arn",
    "SubscribeFrom": "subscribe_from",
}


def run(
    action: Literal["apply", "destroy"], plans: Sequence[AccountPlan], setup: Setup, template: Path | None = None
) -> tuple[Row, ...]:
    """Do one action for every plan; a row each, in order."""
    text = (template or assets.template_path(TEMPLATE)).read_text(encoding="utf-8")
    lock = Lock(setup.lock_file)
    step = partial(_apply, text) if action == "apply" else _destroy
    return side_by_side(setup, [(plan.account, partial(step, plan, setup, lock)) for plan in plans])


def parameters(plan: AccountPlan) -> dict[str, str]:
    """The template's parameters for an account.

    Raises: OnboardError for what the template cannot express; Terraform can.
    """
    unit, sources = _single(plan)
    modes = sorted({source.notifications for source in sources})
    topics = sorted({source.topic_arn for source in sources if source.topic_arn})
    if len(modes) > 1 or len(topics) > 1:
        raise _beyond(plan, f"one mode of notifications and one existing topic, here are {', '.join(modes + topics)}")
    values = {name: str(unit.variables[variable] or "") for name, variable in PLAIN.items()}
    values |= {"Notifications": modes[0], "ExistingTopicArn": topics[0] if topics else ""}
    for number, source in enumerate(sources, start=1):
        values |= {f"Bucket{number}": source.bucket, f"Prefix{number}": source.prefix}
        values |= {f"KmsKeyArn{number}": source.kms_key_arn or ""}
    return values


def quick_create_link(plan: AccountPlan, template_url: str) -> str:
    """A link that opens the console with the stack of an account filled in, for an administrator to click through.

    Raises: OnboardError for what the template cannot express.
    """
    region = plan.units[0].region
    host = next((host for prefix, host in CONSOLES.items() if region.startswith(prefix)), CONSOLE)
    fields = {f"param_{name}": value for name, value in parameters(plan).items() if value}
    query = urlencode({"templateURL": template_url, "stackName": STACK, **fields}, quote_via=quote)
    return f"https://{host}/cloudformation/home?region={region}#/stacks/quickcreate?{query}"


def _single(plan: AccountPlan) -> tuple[Unit, tuple[SourceConfig, ...]]:
    if len(plan.units) > 1:
        raise _beyond(plan, "sources of one region")
    if plan.account.role_name is None:
        raise _beyond(plan, "roles made by the stack, not role_arn")
    if len(plan.account.sources) > MAX_SOURCES:
        raise _beyond(plan, f"{MAX_SOURCES} sources")
    return plan.units[0], plan.account.sources


def _beyond(plan: AccountPlan, limit: str) -> OnboardError:
    return OnboardError(f"account {plan.account.name}: the CloudFormation template allows {limit}. Use Terraform.")


def _apply(template: str, plan: AccountPlan, setup: Setup, lock: Lock) -> Done:
    values, unit = parameters(plan), plan.units[0]
    session = setup.sessions.deploy(plan.account, unit.region)
    lock.put(plan.account.id, LockedAccount(plan.external_id))
    setup.progress(plan.account.id, "deploy stack")
    client = setup.sessions.client(session, "cloudformation", unit.region)
    changed = _deploy(client, template, values)
    outputs = _outputs(client)
    topics = _topics(plan, outputs)
    subscriptions.subscribe(set(topics.values()), plan.central, setup.sessions)
    _announce(plan, topics, setup.sessions.client(session, "s3", unit.region))
    brought = {source.topic_arn for source in plan.account.sources if source.topic_arn}
    made = LockedAccount(plan.external_id, outputs["RoleArn"], tuple(sorted(set(topics.values()) | brought)))
    lock.put(plan.account.id, made)
    return "changed" if changed else "unchanged", f"stack {STACK}", ()


def _deploy(client: Any, template: str, values: Mapping[str, str]) -> bool:
    arguments = {
        "StackName": STACK,
        "TemplateBody": template,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    }
    try:
        if not _exists(client):
            client.create_stack(**arguments)
            client.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig=WAITER)
        elif _same(client, template, values):
            return False
        else:
            client.update_stack(**arguments)
            client.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig=WAITER)
    except (ClientError, WaiterError) as error:
        if "No updates are to be performed" in str(error):
            return False
        raise OnboardError(f"stack {STACK}: {_why(client, error)}") from error
    return True


def _exists(client: Any) -> bool:
    try:
        client.describe_stacks(StackName=STACK)
    except ClientError:  # ValidationError: does not exist
        return False
    return True


def _same(client: Any, template: str, values: Mapping[str, str]) -> bool:
    stack = client.describe_stacks(StackName=STACK)["Stacks"][0]
    present = {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])}
    body = client.get_template(StackName=STACK)["TemplateBody"]
    return body == template and all(present.get(key) == value for key, value in values.items())


def _why(client: Any, error: ClientError | WaiterError) -> str:
    """The first resource that failed, else what the call said."""
    try:
        events = client.describe_stack_events(StackName=STACK)["StackEvents"]
    except ClientError:
        events = []
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    if not failed:
        return reason(error)
    first = failed[-1]  # events come newest first
    return f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason', 'failed')}"


def _outputs(client: Any) -> dict[str, str]:
    stack = client.describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _topics(plan: AccountPlan, outputs: Mapping[str, str]) -> dict[str, str]:
    """Bucket → the stack's topic for it."""
    topics: dict[str, str] = {}
    for number, source in enumerate(plan.account.sources, start=1):
        if source.notifications == "sns" and source.bucket not in topics:  # a topic per bucket, at its first source
            topics[source.bucket] = outputs[f"TopicArn{number}"]
    return topics


def _announce(plan: AccountPlan, topics: Mapping[str, str], client: Any) -> None:
    """Point the buckets at their topics."""
    for bucket, topic_arn in topics.items():
        ours = {each.name: (topic_arn, each.prefix) for each in plan.account.sources if each.bucket == bucket}
        _put(client, bucket, ours)


def _put(client: Any, bucket: str, ours: Mapping[str, tuple[str, str]]) -> None:
    try:
        notifications.announce(client, bucket, ours)
    except ClientError as error:
        raise OnboardError(
            f"bucket {bucket} refuses the notification: {reason(error)}. Where it notifies something else for the same"
            " prefix, write notifications: existing_topic or eventbridge in accounts.yml."
        ) from error


def _destroy(plan: AccountPlan, setup: Setup, lock: Lock) -> Done:
    unit = plan.units[0]
    session = setup.sessions.deploy(plan.account, unit.region)
    setup.progress(plan.account.id, "delete stack")
    for bucket in sorted({source.bucket for source in plan.account.sources if source.notifications == "sns"}):
        _put(setup.sessions.client(session, "s3", unit.region), bucket, {})
    client = setup.sessions.client(session, "cloudformation", unit.region)
    if _exists(client):
        topics = _topics(plan, _outputs(client))
        subscriptions.unsubscribe(set(topics.values()), plan.central, setup.sessions)
    client.delete_stack(StackName=STACK)
    client.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig=WAITER)
    lock.drop(plan.account.id)
    return "changed", f"stack {STACK} deleted", ()
