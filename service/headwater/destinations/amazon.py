"""What the destinations in AWS share."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from headwater.aws.calls import Api
from headwater.destinations.kind import Config

ROLE = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+"


class AwsSettings(Config):
    """Whose service it is, and in which region."""

    region: str = Field(
        "", pattern=r"^([a-z]{2}(-[a-z]+)+-[0-9])?$", description="Its region; default: that of its ARN or URL."
    )
    role_arn: str = Field("", pattern=f"^({ROLE})?$", description="Role to assume first, in a customer's account.")
    external_id: str = Field("", max_length=1224, description="ExternalId that the role asks for.")

    @model_validator(mode="after")
    def _external_id_with_role(self) -> Self:
        if self.role_arn and not self.external_id:
            raise ValueError("role_arn needs external_id: a role that anybody may have assumed for them is refused")
        return self


def api(service: str, settings: AwsSettings, region: str) -> Api:
    """The calls of a service; region: where the settings name none."""
    return Api(service, settings.region or region, settings.role_arn, settings.external_id)
