"""The S3 server access log in the words of the unified data model."""


def actor_arn(event):
    """The requester's ARN; None for services, canonical ids and anonymous requests."""
    requester = event.get("requester") or ""
    return requester if requester.startswith("arn:") else None
