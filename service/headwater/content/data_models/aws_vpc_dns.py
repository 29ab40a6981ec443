"""Resolver query logs in the words of the unified data model."""


def source_port(event):
    """The port as a number, as other log types have it."""
    text = str(event.get("srcport"))
    return int(text) if text.isdecimal() else None
