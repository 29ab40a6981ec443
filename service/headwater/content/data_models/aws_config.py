"""AWS Config in the words of the unified data model."""


def account_id(event):
    """The account; notifications and snapshots name the field differently."""
    return event.get("awsAccountId") or event.get("accountId")
