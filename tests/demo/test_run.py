"""The whole demonstration, with the service's own worker."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from headwater.accounts import Accounts
from headwater.cli.build import catalog
from headwater.cli.serve import make_worker
from headwater.demo.run import Summary, run_demo
from headwater.demo.samples import CUSTOMERS
from headwater.errors import OnboardError
from headwater.lake.query import query
from headwater.settings import Settings
from headwater.state.alerts import list_alerts
from headwater.state.database import connect


def drain(settings: Settings, accounts: Accounts) -> None:
    make_worker(settings, accounts).run(once=True)


def demo(home: Path, *, use_terraform: bool) -> tuple[Summary, str]:
    out = io.StringIO()
    return run_demo(home, use_terraform=use_terraform, console=Console(file=out), drain=drain), out.getvalue()


def check(summary: Summary) -> None:
    lake = catalog(summary.settings)
    tables = ("logs.aws_cloudtrail", "logs.aws_vpcflow", "logs.aws_alb", "logs.aws_s3serveraccess")
    counts = [query(lake, f"SELECT count(*) AS n FROM {name}").to_pylist()[0]["n"] for name in tables]
    rejects = query(lake, "SELECT count(*) AS n FROM monitor.rejects").to_pylist()
    alerts = list_alerts(connect(summary.settings.resolved_state_url))
    assert sum(counts) == summary.rows
    assert rejects == [{"n": summary.bad_rows}]
    assert sorted(alert.rule_id for alert in alerts) == [
        "AWS.CloudTrail.AccessKeyForAnotherUser",
        "AWS.CloudTrail.BucketMadePublic",
        "AWS.CloudTrail.LoggingStopped",
        "AWS.CloudTrail.RootActivity",
        "AWS.S3Access.AdministratorRead",
        "AWS.VPCFlow.RemoteAdminFromInternet",
    ]
    assert {alert.account_id for alert in alerts} == {customer.account_id for customer in CUSTOMERS}


def test_second_run_without_terraform_works_like_the_first(tmp_path: Path) -> None:
    before = dict(os.environ)

    for _ in range(2):
        summary, _ = demo(tmp_path, use_terraform=False)
        check(summary)

    assert [row.detail for row in summary.verified] == ["13 checks passed", "13 checks passed"]
    assert dict(os.environ) == before


@pytest.mark.slow
def test_settings_of_the_user_do_not_reach_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_STATE_URL", "postgresql://example.com/production")
    monkeypatch.setenv("HEADWATER_LAKE_CATALOG", "glue")
    seen: list[Settings] = []

    run_demo(
        tmp_path, use_terraform=False, console=Console(file=io.StringIO()), drain=lambda made, _: seen.append(made)
    )

    assert {(made.resolved_state_url.partition(":")[0], made.lake_catalog) for made in seen} == {("sqlite", "sqlite")}


def test_failing_step_is_an_error_and_leaves_no_environment(tmp_path: Path) -> None:
    before = dict(os.environ)

    def broken(settings: Settings, accounts: Accounts) -> None:
        raise OnboardError("broken")

    with pytest.raises(OnboardError, match="broken"):
        run_demo(tmp_path, use_terraform=False, console=Console(file=io.StringIO()), drain=broken)

    assert dict(os.environ) == before


@pytest.mark.terraform
def test_terraform_makes_everything_and_removes_it(tmp_path: Path) -> None:
    if shutil.which("terraform") is None:
        pytest.skip("no terraform on PATH")

    summary, out = demo(tmp_path, use_terraform=True)

    check(summary)
    assert "Clean up: terraform destroy, customers" in out
    assert "Clean up: terraform destroy, central account" in out
