"""What GuardDuty's findings mean."""

# Source: GuardDuty user guide, "GuardDuty active finding types".
STOLEN_CREDENTIALS = (
    "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
    "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.InsideAWS",
    "UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS",
)
MINING = (
    "CryptoCurrency:EC2/BitcoinTool.B",
    "CryptoCurrency:EC2/BitcoinTool.B!DNS",
    "CryptoCurrency:Lambda/BitcoinTool.B",
    "CryptoCurrency:Runtime/BitcoinTool.B",
    "CryptoCurrency:Runtime/BitcoinTool.B!DNS",
    "Impact:EC2/BitcoinDomainRequest.Reputation",
    "Impact:Runtime/BitcoinDomainRequest.Reputation",
    "Impact:Runtime/CryptoMinerExecuted",
)
# Where an action that someone else took says from which address.
ACTIONS = ("awsApiCallAction", "networkConnectionAction", "kubernetesApiCallAction", "rdsLoginAttemptAction")


def score(event):
    """The finding's severity as a number; 0.0 if it has none."""
    value = event.get("severity")
    return float(value) if isinstance(value, int | float) else 0.0


def has_own_rule(event):
    """Whether a rule of ours sees this type of finding alone."""
    return event.get("type") in STOLEN_CREDENTIALS or event.get("type") in MINING


def is_archived(event):
    """Whether somebody, or a suppression rule, has put the finding aside."""
    return event.deep_get("service", "archived") is True


def is_sample(event):
    """Whether the finding was made to try things out: CreateSampleFindings marks them twice."""
    marked = event.deep_get("service", "additionalInfo", "sample") is True
    return marked or str(event.get("title")).startswith("[SAMPLE]")


def resource(event):
    """The best name of the resource that the finding is about."""
    names = (
        ("accessKeyDetails", "userName"),
        ("instanceDetails", "instanceId"),
        ("eksClusterDetails", "name"),
        ("ecsClusterDetails", "name"),
        ("lambdaDetails", "functionName"),
        ("rdsDbInstanceDetails", "dbInstanceIdentifier"),
        ("resourceType",),
    )
    found = (event.deep_get("resource", *keys) for keys in names)
    return next((str(name) for name in found if name), "a resource")


def source_ip(event):
    """The address that the action came from or went to; None where there is none."""
    found = (event.deep_get("service", "action", action, "remoteIpDetails", "ipAddressV4") for action in ACTIONS)
    return next((address for address in found if address), None)


def grouping(event):
    """A dedup text: findings of one type on one resource are one matter."""
    return ":".join((str(event.get("accountId")), str(event.get("region")), str(event.get("type")), resource(event)))


def context(event):
    """The fields of a finding that answer what, where, who and from where."""
    key = ("resource", "accessKeyDetails")
    return {
        "actor": event.deep_get(*key, "userName"),
        "principal_id": event.deep_get(*key, "principalId"),
        "access_key_id": event.deep_get(*key, "accessKeyId"),
        "instance_id": event.deep_get("resource", "instanceDetails", "instanceId"),
        "account": event.get("accountId"),
        "region": event.get("region"),
        "source_ip": source_ip(event),
        "type": event.get("type"),
        "severity": event.get("severity"),
        "finding": event.get("title"),
        "explanation": event.get("description"),
        "count": event.deep_get("service", "count"),
        "finding_id": event.get("id"),
        "action": event.deep_get("service", "action"),
    }
