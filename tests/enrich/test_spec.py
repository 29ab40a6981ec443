"""What the YAML of a lookup table says, and how mistakes in it are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from enrich.conftest import MakeSpec
from headwater.enrich.spec import Selector
from headwater.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "key", "route"),
    [
        pytest.param("srcAddr", "srcAddr", ("srcAddr",), id="field"),
        pytest.param("$.client.ipAddress", "client.ipAddress", ("client", "ipAddress"), id="path"),
        pytest.param("client.ipAddress", "client.ipAddress", ("client", "ipAddress"), id="path without a root"),
        pytest.param("$.resources[*].ARN", "resources[*].ARN", ("resources", "ARN"), id="through a list"),
        pytest.param("$['detail-type'].x", "['detail-type'].x", ("detail-type", "x"), id="quoted"),
        pytest.param("p_any_ip_addresses", "p_any_ip_addresses", ("p_any_ip_addresses",), id="indicators"),
    ],
)
def test_selectors_become_routes(text: str, key: str, route: tuple[str, ...]) -> None:
    assert Selector.of(text) == Selector(text, key, route)


@pytest.mark.parametrize("text", ["", "$", "a[0]", "a[", "$..", "[*]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no field name and no path"):
        Selector.of(text)


def test_refresh_has_defaults(make_spec: MakeSpec) -> None:
    spec = make_spec("t", "id", Filename=None, Refresh={"ObjectPath": "s3://tables/t.csv"})

    assert spec.refresh is not None
    assert (spec.refresh.period_min, spec.refresh.alarm_min, spec.refresh.role_arn) == (60, 1440, None)
    assert spec.origin == "s3://tables/t.csv"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"LogTypeMap": []}, "LogTypeMap: must be a mapping", id="map"),
        pytest.param({"LogTypeMap": {}}, "PrimaryKey: must be a text", id="key"),
        pytest.param(
            {"LogTypeMap": {"PrimaryKey": "id", "AssociatedLogTypes": [{"LogType": "A.B"}]}},
            "must have a LogType and a list of Selectors",
            id="selectors",
        ),
        pytest.param(
            {"LogTypeMap": {"PrimaryKey": "id", "AssociatedLogTypes": [{"LogType": "A.B", "Selectors": ["a[0]"]}]}},
            "'a[0]' is no field name and no path",
            id="selector",
        ),
        pytest.param({"Filename": "../../secrets.csv"}, "is no file inside", id="outside the pack"),
        pytest.param({"Refresh": {"ObjectPath": "https://x"}}, "must be an s3:// URL", id="no S3"),
        pytest.param(
            {"Refresh": {"ObjectPath": "s3://b/k", "PeriodMinutes": 0}}, "must be a number of minutes", id="period"
        ),
    ],
)
def test_mistakes_are_told_with_their_key(make_spec: MakeSpec, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_spec("t", "id", **changes)

    assert message in str(caught.value)


def test_data_lies_beside_its_yaml(make_spec: MakeSpec, tmp_path: Path) -> None:
    assert make_spec("t", "id", Filename="data/t.csv").path == tmp_path.resolve() / "data" / "t.csv"
