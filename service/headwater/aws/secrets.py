"""Secrets Manager and the parameter store."""

from __future__ import annotations

from headwater.aws.calls import Api
from headwater.errors import DeliveryFailed


def secret(name: str, region: str) -> str:
    """The current text of a secret, by its name or ARN; an ARN names the region."""
    api = Api("secretsmanager", name.split(":")[3] if name.startswith("arn:") else region)
    answer = api(
        "get_secret_value", f"read the secret {name}", f"secretsmanager:GetSecretValue on {name}", SecretId=name
    )
    if "SecretString" not in answer:
        raise DeliveryFailed(f"the secret {name} is binary; store it as text")
    return str(answer["SecretString"])


def parameter(name: str, region: str) -> str:
    """The decrypted value of a parameter."""
    grant = f"ssm:GetParameter on {name} (and kms:Decrypt on its key)"
    answer = Api("ssm", region)("get_parameter", f"read the parameter {name}", grant, Name=name, WithDecryption=True)
    return str(answer["Parameter"]["Value"])
