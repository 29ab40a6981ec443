"""What stock moto 5.2 answers wrongly to the AWS provider of Terraform, and on the way S3 → SNS → SQS across accounts.

Each function mends one service; its docstring names the symptom. moto's objects are untyped here.
"""

from __future__ import annotations

import inspect
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import yaml
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.athena.models import AthenaBackend
from moto.core.exceptions import AccessDeniedError
from moto.ec2.exceptions import InvalidPermissionNotFoundError, InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ecs.models import Service as EcsService
from moto.events.models import EventPattern
from moto.events.responses import EventsHandler
from moto.rds.models import RDSBackend
from moto.s3 import notifications
from moto.s3.responses import S3Response
from moto.sns.models import SNSBackend, Subscription, sns_backends
from moto.sns.responses import SNSResponse
from moto.sqs.models import Queue, sqs_backends

from headwater.demo.moto_access import ORGANIZATION_ID, replace
from headwater.onboard.iam_policy import Decision, Principal, Request, evaluate


def install(*, pending_subscriptions: bool) -> None:
    """Put every mend into moto's classes.

    pending_subscriptions: a subscription made outside the queue's account waits, as in AWS, until the
    SubscriptionConfirmation in the queue is answered.
    """
    _mend_queue_attributes()
    _mend_autoscaling_tags()
    _mend_athena_tags()
    _mend_ecs_service()
    _mend_group_rules()
    _mend_database_parameters()
    _mend_bucket_notification()
    _mend_topic_delivery()
    _enforce_topic_policy()
    _mend_template_conditions()
    _mend_event_pattern_test()
    if pending_subscriptions:
        _hold_subscriptions()


def _mend_queue_attributes() -> None:
    """RedriveAllowPolicy is dropped (the provider waits seven minutes); RedrivePolicy gains blanks (endless diff)."""
    Queue.BASE_ATTRIBUTES.append("RedriveAllowPolicy")
    replace(Queue, "redrive_allow_policy", None)
    stock: Any = vars(Queue)["attributes"]

    def attributes(self: Any) -> dict[str, Any]:
        result: dict[str, Any] = stock.fget(self)
        if result.get("RedrivePolicy"):
            result["RedrivePolicy"] = json.dumps(json.loads(result["RedrivePolicy"]), separators=(",", ":"))
        if not result.get("RedriveAllowPolicy"):
            result.pop("RedriveAllowPolicy", None)
        return result

    replace(Queue, "attributes", property(attributes))


def _mend_autoscaling_tags() -> None:
    """The tagging calls are missing: HTTP 500, which the provider retries for seven minutes."""
    tags: dict[str, dict[str, str]] = {}
    stock = ApplicationAutoScalingResponse.register_scalable_target

    def list_tags_for_resource(self: Any) -> str:
        return json.dumps({"Tags": tags.get(self._get_param("ResourceARN"), {})})

    def tag_resource(self: Any) -> str:
        tags.setdefault(self._get_param("ResourceARN"), {}).update(self._get_param("Tags") or {})
        return "{}"

    def untag_resource(self: Any) -> str:
        for key in self._get_param("TagKeys") or []:
            tags.get(self._get_param("ResourceARN"), {}).pop(key, None)
        return "{}"

    def register_scalable_target(self: Any) -> str:
        answer = str(stock(self))
        tags.setdefault(json.loads(answer)["ScalableTargetARN"], {}).update(self._get_param("Tags") or {})
        return answer

    for function in (list_tags_for_resource, tag_resource, untag_resource, register_scalable_target):
        setattr(ApplicationAutoScalingResponse, function.__name__, function)


def _mend_athena_tags() -> None:
    """ListTagsForResource of an untagged workgroup is an InvalidRequestException."""

    def list_tags_for_resource(self: Any, resource_arn: str) -> Any:
        return self.tagger.list_tags_for_resource(resource_arn)

    replace(AthenaBackend, "list_tags_for_resource", list_tags_for_resource)


def _mend_ecs_service() -> None:
    """A service has no availabilityZoneRebalancing: endless diff."""
    replace(EcsService, "availability_zone_rebalancing", "DISABLED")


def _mend_group_rules() -> None:
    """Rules between groups and to prefix lists lose their description: endless diff."""
    stock = SecurityGroupRule.__init__
    signature = inspect.signature(stock)

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        stock(self, *args, **kwargs)
        prefix_list = signature.bind(self, *args, **kwargs).arguments.get("prefix_list_id") or {}
        self.prefix_list_description = prefix_list.get("Description")

    def description(self: Any) -> str | None:
        found = self.ip_range.get("Description") or self.source_group.get("Description")
        given: str | None = found or self.prefix_list_description
        return given

    replace(SecurityGroupRule, "__init__", init)
    replace(SecurityGroupRule, "description", property(description))
    for name in ("revoke_security_group_ingress", "revoke_security_group_egress"):
        _mend_revocation(name)


def _mend_revocation(name: str) -> None:
    """A rule id that is gone is told as InvalidPermission.NotFound, which a retry takes for a failure."""
    stock = getattr(EC2Backend, name)

    def revoke(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            stock(self, *args, **kwargs)
        except InvalidPermissionNotFoundError as error:
            ids = kwargs.get("security_rule_ids") or []
            if not ids:
                raise
            raise InvalidSecurityGroupRuleIdNotFoundError(ids[0]) from error

    replace(EC2Backend, name, revoke)


def _mend_database_parameters() -> None:
    """Parameters that were set do not say that a user set them: endless diff."""

    def marked(name: str) -> None:
        stock = getattr(RDSBackend, name)

        def modify(self: Any, group: str, parameters: list[dict[str, Any]]) -> Any:
            return stock(self, group, [{**parameter, "Source": "user"} for parameter in parameters])

        replace(RDSBackend, name, modify)

    marked("modify_db_parameter_group")
    marked("modify_db_cluster_parameter_group")


def _mend_bucket_notification() -> None:
    """GetBucketNotificationConfiguration leaves out EventBridgeConfiguration: endless diff."""
    stock = S3Response.get_bucket_notification

    def get_bucket_notification(self: Any) -> Any:
        answer = stock(self)
        configuration = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if configuration is None or configuration.event_bridge is None:
            return answer
        status, headers, body = answer
        return status, headers, _with_event_bridge(body.decode() if isinstance(body, bytes) else body)

    replace(S3Response, "get_bucket_notification", get_bucket_notification)


def _with_event_bridge(xml: str) -> str:
    """The notification document with an EventBridgeConfiguration element."""
    element = "<EventBridgeConfiguration/>"
    if "EventBridgeConfiguration" in xml:
        return xml
    end = "</NotificationConfiguration>"
    if end in xml:
        return xml.replace(end, element + end)
    start, _, rest = xml.rpartition("/>")  # an empty document closes itself
    return f"{start}>{element}{end}{rest}"


def _mend_topic_delivery() -> None:
    """A message to another account's queue vanishes: moto looks the queue up in the subscriber's account."""
    stock_init = Subscription.__init__
    stock_publish = Subscription.publish

    def init(self: Any, account_id: str, topic: Any, endpoint: str, protocol: str) -> None:
        stock_init(self, account_id, topic, endpoint, protocol)
        if protocol == "sqs":
            self.account_id = endpoint.split(":")[4]

    def publish(self: Any, *args: Any, **kwargs: Any) -> None:
        pending = self.attributes.get("PendingConfirmation") is True
        if not pending and (self.protocol != "sqs" or _queue_accepts(self.endpoint, self.topic)):
            stock_publish(self, *args, **kwargs)

    def topic_subscriptions(self: Any, topic: Any) -> list[Any]:
        regional = [sns_backends[account][self.region_name] for account in list(sns_backends)]
        return [found for backend in regional for found in backend.subscriptions.values() if found.topic == topic]

    replace(Subscription, "__init__", init)
    replace(Subscription, "publish", publish)
    replace(SNSBackend, "_get_topic_subscriptions", topic_subscriptions)


def _queue_accepts(queue_arn: str, topic: Any) -> bool:
    """Whether the queue's policy lets SNS deliver for this topic; without a policy nobody but the owner may send."""
    _, _, _, region, account_id, name = queue_arn.split(":", 5)
    queue = sqs_backends[account_id][region].queues.get(name)
    if queue is None or not queue.policy:
        return queue is not None and topic.account_id == account_id
    return _service_allowed(
        queue.policy, "sns.amazonaws.com", "sqs:SendMessage", queue_arn, topic.arn, topic.account_id
    )


def _enforce_topic_policy() -> None:
    """S3 publishes to a topic, and other accounts subscribe to it, only where the topic's policy allows it."""
    stock = notifications._send_sns_message

    def send(account_id: str, event_body: Any, topic_arn: str, region_name: str) -> None:
        topic = sns_backends[account_id][region_name].topics.get(topic_arn)
        bucket = event_body["Records"][0]["s3"]["bucket"]["name"] if "Records" in event_body else event_body["Bucket"]
        source = f"arn:{topic_arn.split(':')[1]}:s3:::{bucket}"
        if topic is not None and _service_allowed(
            topic.policy, "s3.amazonaws.com", "sns:Publish", topic_arn, source, account_id
        ):
            stock(account_id, event_body, topic_arn, region_name)

    replace(notifications, "_send_sns_message", send)
    stock_subscribe = SNSBackend.subscribe

    def subscribe(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        topic = self.get_topic(topic_arn)
        context = {"sns:Endpoint": endpoint, "sns:Protocol": protocol}
        request = Request(Principal(self.account_id), "sns:Subscribe", topic_arn, context)
        stranger = self.account_id != topic.account_id
        if stranger and evaluate(topic.policy, request, with_principal=True) is not Decision.ALLOW_ACCOUNT:
            raise AccessDeniedError(user_arn=f"arn:aws:iam::{self.account_id}:root", action="SNS:Subscribe")
        return stock_subscribe(self, topic_arn, endpoint, protocol)

    replace(SNSBackend, "subscribe", subscribe)


def _service_allowed(
    policy: str, service: str, action: str, resource: str, source_arn: str, source_account: str
) -> bool:
    context = {
        "aws:SourceArn": source_arn,
        "aws:SourceAccount": source_account,
        "aws:SourceOrgID": ORGANIZATION_ID,
        "aws:SecureTransport": "true",
    }
    request = Request(Principal(service=service), action, resource, context)
    return evaluate(policy, request, with_principal=True) is Decision.ALLOW


def _mend_template_conditions() -> None:
    """`!Condition` within `!And` becomes the unknown function Fn::Condition, which is always false."""

    def reference(loader: yaml.Loader, node: Any) -> dict[str, str]:
        return {"Condition": str(node.value)}

    yaml.add_constructor("!Condition", reference, Loader=yaml.Loader)


def _mend_event_pattern_test() -> None:
    """TestEventPattern answers nothing."""

    def test_event_pattern(self: Any) -> str:
        pattern = EventPattern.load(self._get_param("EventPattern"))
        return json.dumps({"Result": pattern.matches_event(json.loads(self._get_param("Event")))})

    replace(EventsHandler, "test_event_pattern", test_event_pattern)


def _hold_subscriptions() -> None:
    """AWS asks the queue's owner to confirm a subscription that another account made; moto confirms it unasked."""
    stock = SNSBackend.subscribe

    def subscribe(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        subscription: Any = stock(self, topic_arn, endpoint, protocol)
        foreign = protocol == "sqs" and endpoint.split(":")[4] != self.account_id
        if foreign and not hasattr(subscription, "token"):
            subscription.token = uuid.uuid4().hex * 2
            subscription.attributes["PendingConfirmation"] = True
            _ask_for_confirmation(subscription)
        return subscription

    def confirm_subscription(self: Any) -> Any:
        topic_arn, token = self._get_param("TopicArn"), self._get_param("Token")
        _, _, _, region, account_id, _ = topic_arn.split(":", 5)
        for found in sns_backends[account_id][region].subscriptions.values():
            if found.topic_arn == topic_arn and getattr(found, "token", None) == token:
                found.attributes["PendingConfirmation"] = False
                return _confirmed(found.arn)
        return 400, {}, _xml_error("InvalidParameter", "Invalid token")

    replace(SNSBackend, "subscribe", subscribe)
    replace(SNSResponse, "confirm_subscription", confirm_subscription)


def _confirmed(subscription_arn: str) -> tuple[int, dict[str, str], str]:
    namespace = "http://sns.amazonaws.com/doc/2010-03-31/"
    result = (
        f"<ConfirmSubscriptionResult><SubscriptionArn>{subscription_arn}</SubscriptionArn></ConfirmSubscriptionResult>"
    )
    return 200, {}, f'<ConfirmSubscriptionResponse xmlns="{namespace}">{result}</ConfirmSubscriptionResponse>'


def _xml_error(code: str, message: str) -> str:
    error = f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
    return f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"


def _ask_for_confirmation(subscription: Any) -> None:
    _, _, _, region, account_id, name = subscription.endpoint.split(":", 5)
    query = f"Action=ConfirmSubscription&TopicArn={subscription.topic_arn}&Token={subscription.token}"
    message = {
        "Type": "SubscriptionConfirmation",
        "MessageId": str(uuid.uuid4()),
        "Token": subscription.token,
        "TopicArn": subscription.topic_arn,
        "Message": f"You have chosen to subscribe to the topic {subscription.topic_arn}.",
        "SubscribeURL": f"https://sns.{region}.amazonaws.com/?{query}",
        "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": "1",
    }
    if name in sqs_backends[account_id][region].queues:
        sqs_backends[account_id][region].send_message(name, json.dumps(message))
