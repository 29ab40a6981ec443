"""Event types under the name that detections import."""

from headwater.detect.compat.panther_core import enriched_event, exceptions, immutable
from headwater.detect.event import PantherEvent

__all__ = ["PantherEvent", "enriched_event", "exceptions", "immutable"]
