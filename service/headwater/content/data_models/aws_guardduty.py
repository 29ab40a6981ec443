"""GuardDuty in the words of the unified data model."""

from headwater_guardduty import source_ip as remote_ip


def source_ip(event):
    return remote_ip(event)
