"""The destinations of a deployment, made from its files: what sends, and who decides what is sent where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater.accounts import Account
from headwater.destinations.config import DestinationsConfig
from headwater.destinations.destination import Destination
from headwater.destinations.kind import ResolveSecret
from headwater.destinations.message import Message, message_of
from headwater.destinations.routing import Router
from headwater.state.outbox import Delivery


@dataclass(frozen=True, slots=True)
class Outlets:
    """Every destination by its name.

    sends: whether this deployment's workers and commands send; else `headwater deliver` alone does.
    console_url: what links to alerts begin with.
    """

    by_name: Mapping[str, Destination]
    router: Router
    sends: bool = True
    console_url: str = ""

    def message(self, delivery: Delivery) -> Message:
        """What a delivery says."""
        alert = delivery.alert
        return message_of(
            alert,
            delivery.delivery_id,
            delivery.action,
            account_name=self.router.account_name(alert.account_id),
            link=f"{self.console_url}{alert.alert_id}" if self.console_url else "",
            note=delivery.note,
        )


def make_outlets(
    config: DestinationsConfig,
    accounts: Sequence[Account],
    built_in: Sequence[Destination],
    resolve_secret: ResolveSecret,
    *,
    sends: bool = True,
    console_url: str = "",
) -> Outlets:
    """The destinations of the configuration, and those of the deployment's own, which get every alert."""
    made = [place.kind.make(place.name, place.config, resolve_secret) for place in config.places]
    by_name = {each.name: each for each in (*built_in, *made)}
    return Outlets(by_name, Router(config, accounts, [each.name for each in built_in]), sends, console_url)
