"""A snapshot was shared outside its account."""

from headwater_aws import account, context, grouping, headline, mappings, request, succeeded


def rule(event):
    return event.get("eventName") == "ModifySnapshotAttribute" and succeeded(event) and bool(shared_with(event))


def shared_with(event):
    """The groups, accounts and organizations that were added, this account aside."""
    added = mappings(request(event, "createVolumePermission", "add"))
    keys = ("group", "userId", "organizationArn", "organizationalUnitArn")
    found = [str(one[key]) for one in added for key in keys if one.get(key)]
    return [who for who in found if who != account(event)]


def title(event):
    return headline(event, f"shared snapshot {request(event, 'snapshotId')} with {', '.join(shared_with(event))}")


def severity(event):
    return "CRITICAL" if "all" in shared_with(event) else "DEFAULT"


def dedup(event):
    return grouping(event, request(event, "snapshotId"))


def alert_context(event):
    return {**context(event), "shared_with": shared_with(event)}
