"""The event type."""

from headwater.detect.event import PantherEvent

__all__ = ["PantherEvent"]
