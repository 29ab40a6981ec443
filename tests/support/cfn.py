"""A CloudFormation template with its intrinsics resolved for given parameters: enough for the templates we ship."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

NO_VALUE = object()


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags: !Ref x → {"Ref": x}, !Sub x → {"Fn::Sub": x}."""


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise yaml.YAMLError(f"!{suffix} of a mapping: the templates have none")
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tagged)


def load_template(path: Path) -> dict[str, Any]:
    """The template as it is written, short tags in their long form."""
    template: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)
    return template


def resolve(
    template: Mapping[str, Any],
    parameters: Mapping[str, str],
    *,
    account_id: str,
    region: str = "us-east-1",
    partition: str = "aws",
    url_suffix: str = "amazonaws.com",
) -> dict[str, Mapping[str, Any]]:
    """Logical id → properties of every resource that these parameters make.

    A Ref to a resource gives the ARN its type has here, GetAtt gives "<logical id>.<attribute>".
    """
    defaults = {name: p["Default"] for name, p in template["Parameters"].items() if "Default" in p}
    pseudo = {
        "AWS::AccountId": account_id,
        "AWS::Region": region,
        "AWS::Partition": partition,
        "AWS::URLSuffix": url_suffix,
        "AWS::NoValue": NO_VALUE,
    }
    resolver = _Resolver(template, defaults | dict(parameters) | pseudo)
    return {
        name: resolver.value(resource["Properties"])
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or resolver.condition(resource["Condition"])
    }


class _Resolver:
    """The values of one stack."""

    def __init__(self, template: Mapping[str, Any], values: dict[str, Any]) -> None:
        self._conditions = template.get("Conditions", {})
        self._resources = template["Resources"]
        self._values = values
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::GetAtt": lambda name: name if isinstance(name, str) else ".".join(name),
            "Fn::Sub": self._sub,
            "Fn::If": self._if,
            "Fn::Equals": lambda pair: self.value(pair[0]) == self.value(pair[1]),
            "Fn::Not": lambda one: not self.value(one[0]),
            "Fn::And": lambda many: all(self.value(one) for one in many),
            "Fn::Select": lambda pair: self.value(pair[1])[int(pair[0])],
            "Fn::Split": lambda pair: self.value(pair[1]).split(pair[0]),
            "Fn::Join": lambda pair: pair[0].join(self.value(pair[1])),
        }

    def condition(self, name: str) -> bool:
        """Whether a named condition holds."""
        return bool(self.value(self._conditions[name]))

    def value(self, node: Any) -> Any:
        """A node with every intrinsic in it resolved."""
        if isinstance(node, Mapping):
            if len(node) == 1 and (name := next(iter(node))) in self._functions and not self._is_policy_condition(node):
                return self._functions[name](node[name])
            pairs = ((key, self.value(child)) for key, child in node.items())
            return {key: child for key, child in pairs if child is not NO_VALUE}
        if isinstance(node, list):
            return [child for child in map(self.value, node) if child is not NO_VALUE]
        return node

    def _is_policy_condition(self, node: Mapping[str, Any]) -> bool:
        return "Condition" in node and not isinstance(node["Condition"], str)

    def _ref(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if self._resources[name]["Type"] == "AWS::SNS::Topic":
            topic = self.value(self._resources[name]["Properties"])["TopicName"]
            return self._sub("arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:" + topic)
        return name

    def _sub(self, node: Any) -> str:
        text, extra = (node, {}) if isinstance(node, str) else (node[0], self.value(node[1]))
        return re.sub(r"\$\{([^}]+)\}", lambda match: str({**self._values, **extra}[match[1]]), text)

    def _if(self, node: list[Any]) -> Any:
        return self.value(node[1] if self.condition(node[0]) else node[2])
