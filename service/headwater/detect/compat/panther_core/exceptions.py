"""What an event raises."""

from headwater.detect.event import PantherError

__all__ = ["PantherError"]
