"""Amazon EventBridge: an event for each message, for rules that match on its detail."""

from __future__ import annotations

from pydantic import Field, field_validator

from headwater.destinations.amazon import AwsSettings, api
from headwater.destinations.destination import Destination
from headwater.destinations.kind import ResolveSecret
from headwater.destinations.message import Message, fitted, message_json
from headwater.destinations.text import ascii_json
from headwater.errors import DeliveryFailed, DeliveryRefused

MAX_DETAIL = 262_144 - 4_096  # PutEvents: 256 KiB an entry, its other fields included
DETAIL_TYPES = {
    "opened": "Headwater Alert Opened",
    "updated": "Headwater Alert Updated",
    "resolved": "Headwater Alert Resolved",
    "reopened": "Headwater Alert Reopened",
}
LATER = frozenset({"InternalFailure", "InternalException", "ThrottlingException"})  # ErrorCode of an entry


class Settings(AwsSettings):
    """An event bus."""

    bus_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9_./-]+$",
        description="ARN of the event bus.",
    )
    source: str = Field(
        "headwater.alerts",
        max_length=256,
        pattern=r"^[A-Za-z0-9_.-]+$",
        description="`source` of the events; not aws.…",
    )

    @field_validator("source")
    @classmethod
    def _not_of_aws(cls, source: str) -> str:
        if source.startswith("aws."):
            raise ValueError("must not begin with aws., which is for AWS's own events")
        return source


class EventBridge:
    """One event bus."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self._settings = settings
        self._api = api("events", settings, settings.bus_arn.split(":")[3])

    def send(self, message: Message) -> None:
        """Put one event."""
        bus = self._settings.bus_arn
        entry = {
            "Source": self._settings.source,
            "DetailType": DETAIL_TYPES[message.action],
            "Detail": fitted(message, lambda shorter: ascii_json(message_json(shorter)), len, MAX_DETAIL),
            "EventBusName": bus,
            "Time": message.updated_at,
        }
        answer = self._api("put_events", f"put an event to {bus}", f"events:PutEvents on {bus}", Entries=[entry])
        if answer.get("FailedEntryCount"):
            raise _refusal(bus, answer["Entries"][0])


def make(name: str, config: Settings, _resolve_secret: ResolveSecret) -> Destination:
    """The destination of such settings."""
    return EventBridge(name, config)


def _refusal(bus: str, entry: dict[str, str]) -> DeliveryFailed | DeliveryRefused:
    code = entry.get("ErrorCode", "")
    said = f"put an event to {bus}: {code} {entry.get('ErrorMessage', '')}".rstrip()
    return DeliveryFailed(said) if code in LATER else DeliveryRefused(said)
