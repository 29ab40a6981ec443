"""CloudFormation resources that stock moto passes over in silence: the policy and the subscriptions of a topic.

moto finds the classes by their base class; importing this module is all it takes.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.sns.models import sns_backends

JSON = dict[str, Any]


class TopicPolicy(CloudFormationModel):
    """AWS::SNS::TopicPolicy."""

    def __init__(self, resource_name: str) -> None:
        self.physical_resource_id = resource_name

    @staticmethod
    def cloudformation_name_type() -> str:
        """No property names it."""
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        """Its type in templates."""
        return "AWS::SNS::TopicPolicy"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: JSON, account_id: str, region_name: str, **kwargs: Any
    ) -> TopicPolicy:
        """Put the policy on every topic."""
        properties = cloudformation_json["Properties"]
        for arn in properties["Topics"]:
            sns_backends[account_id][region_name].topics[arn].policy = json.dumps(properties["PolicyDocument"])
        return cls(resource_name)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: JSON,
        account_id: str,
        region_name: str,
    ) -> TopicPolicy:
        """The same again."""
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    def delete(self, account_id: str, region_name: str) -> None:
        """Nothing: the topic goes with the stack."""


class TopicSubscription(CloudFormationModel):
    """AWS::SNS::Subscription."""

    def __init__(self, arn: str) -> None:
        self.physical_resource_id = arn

    @staticmethod
    def cloudformation_name_type() -> str:
        """No property names it."""
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        """Its type in templates."""
        return "AWS::SNS::Subscription"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: JSON, account_id: str, region_name: str, **kwargs: Any
    ) -> TopicSubscription:
        """Subscribe, with raw delivery where the template says so."""
        properties = cloudformation_json["Properties"]
        backend = sns_backends[account_id][region_name]
        made = backend.subscribe(properties["TopicArn"], properties["Endpoint"], properties["Protocol"])
        if str(properties.get("RawMessageDelivery", "")).lower() == "true":
            backend.set_subscription_attributes(made.arn, "RawMessageDelivery", "true")
        return cls(made.arn)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: JSON,
        account_id: str,
        region_name: str,
    ) -> TopicSubscription:
        """The same again; a subscription that exists is found."""
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    def delete(self, account_id: str, region_name: str) -> None:
        """Unsubscribe."""
        sns_backends[account_id][region_name].unsubscribe(self.physical_resource_id)
