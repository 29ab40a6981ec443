"""An access key was made for another user."""

from headwater_aws import actor, context, succeeded, where


def rule(event):
    if event.get("eventName") != "CreateAccessKey":
        return False
    user = event.deep_get("requestParameters", "userName")
    return bool(user) and user != event.deep_get("userIdentity", "userName") and succeeded(event)


def title(event):
    user = event.deep_get("requestParameters", "userName")
    return f"{actor(event)} created an access key for {user}: {where(event)}"


def dedup(event):
    return f"{event.get('recipientAccountId')}:{actor(event)}"


def alert_context(event):
    key_id = event.deep_get("responseElements", "accessKey", "accessKeyId")
    return {**context(event), "access_key_id": key_id}
