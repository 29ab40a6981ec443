"""The containers inside an event."""

from headwater.detect.event import ImmutableCaseInsensitiveDict, ImmutableList, json_encoder

__all__ = ["ImmutableCaseInsensitiveDict", "ImmutableList", "json_encoder"]
