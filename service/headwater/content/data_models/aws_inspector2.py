"""Amazon Inspector in the words of the unified data model."""

from headwater_aws import mappings


def instance_id(event):
    """The first instance that the finding is about."""
    found = [one.get("id") for one in mappings(event.get("resources")) if one.get("type") == "AWS_EC2_INSTANCE"]
    return found[0] if found else None
