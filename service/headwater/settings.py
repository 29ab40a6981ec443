"""All settings, read once from HEADWATER_* environment variables by the command line and the worker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class Settings(BaseSettings):
    """Every knob of the service; without any, all data lives under HEADWATER_HOME."""

    model_config = SettingsConfigDict(env_prefix="HEADWATER_", frozen=True, extra="ignore")

    home: Path = Field(Path(".headwater"), description="Folder of all local data: state, lake, alerts file.")
    accounts_file: Annotated[str, BeforeValidator(str)] = Field(
        "accounts.yml", description="The accounts and their log sources: a file or an s3:// URL."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: JSON unless stderr is a terminal."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level written.")

    region: str = Field("us-east-1", description="Region of the central account's queue, lake and STS endpoint.")
    queue_url: str | None = Field(None, description="SQS queue of object notifications.")
    dead_letter_queue_url: str | None = Field(None, description="SQS queue for messages that can never succeed.")
    visibility_timeout_s: int = Field(300, ge=1, le=43_200, description="How long a received message stays hidden.")
    retry_s: int = Field(
        30, ge=0, le=900, description="First pause before a failed object is tried again; doubles each time."
    )
    processes: int | None = Field(
        None, ge=1, le=256, description="Worker processes of `headwater run`; default: as many as the cores it may use."
    )
    stop_timeout_s: float = Field(
        25.0,
        ge=1,
        description="How long a stop may take; set it below the time after which your platform kills the service.",
    )
    max_in_flight: int = Field(200, ge=1, description="Objects that one process fetches or holds at a time.")
    max_in_flight_mib: int = Field(
        256, ge=1, description="Memory that those objects may take in one process; one object is always let in."
    )
    account_share: float = Field(
        0.5, gt=0, le=1, description="Share of the objects and the memory in flight that one account may have."
    )
    breaker_refusals: int = Field(
        3, ge=1, le=100, description="Refusals in a row after which an account or a source is left alone for a while."
    )
    breaker_pause_s: float = Field(
        60.0, gt=0, description="How long at first; each further pause is twice as long, up to 15 minutes."
    )
    poll_s: float = Field(
        300.0,
        ge=0,
        description="How often sources with `notifications: none` are listed; 0: never (see headwater backfill).",
    )
    reconcile_h: float = Field(
        24.0,
        ge=0,
        description="Hours after which other sources' buckets are compared with the ledger, two days back; 0: never.",
    )
    max_attempts: int = Field(
        5, ge=1, le=100, description="Tries of an object that answers with AccessDenied before it fails."
    )

    state_url: str | None = Field(
        None, description="SQLAlchemy URL of the state database; default: SQLite in HEADWATER_HOME."
    )
    state_iam_auth: bool = Field(
        False, description="Log in to the state database with a token of our own AWS role instead of a password."
    )
    state_migrate: Literal["auto", "check"] = Field(
        "auto",
        description="At the start: auto migrates an older state database, check refuses it (headwater state migrate).",
    )
    ledger_days: int = Field(
        400, ge=30, description="How long a finished object is remembered; what failed is remembered for twice as long."
    )
    alert_days: int = Field(400, ge=1, description="How long an alert is kept in the state database.")
    lake_catalog: Literal["sqlite", "glue"] = Field("sqlite", description="Iceberg catalog: SQLite file or AWS Glue.")
    lake_warehouse: str | None = Field(
        None, description="Where tables lie: a folder or s3:// URL; default: HEADWATER_HOME/lake."
    )
    lake_upkeep: tuple[Literal["snapshots", "compaction", "retention", "orphans"], ...] = Field(
        ("snapshots", "compaction", "retention", "orphans"),
        description="What the service does for its tables, as a JSON array; leave out what AWS Glue does.",
    )
    lake_upkeep_s: float = Field(
        60.0, gt=0, description="How long one run of the compaction may take; the rest waits for the next."
    )
    lake_orphan_h: float = Field(
        24.0, ge=1, description="Hours after which a file that no snapshot of its table names is deleted."
    )

    max_object_bytes: int = Field(
        5 * 1024 * MIB, ge=1, description="Largest uncompressed object; larger is `too_large`."
    )
    batch_max_rows: int = Field(
        200_000, ge=1, description="Commit when this many rows are buffered; a larger object is read in pieces."
    )
    batch_max_bytes: int = Field(
        64 * MIB,
        ge=1,
        description="Commit when this many bytes of text are buffered; a larger object is read in pieces.",
    )
    batch_max_s: float = Field(2.0, gt=0, description="Commit when the oldest buffered row has waited this long.")
    lease_s: int = Field(600, ge=1, description="How long a claimed object belongs to one worker.")

    schemas: tuple[Path, ...] = Field(
        (),
        description="Your schemas, beside the built-in log types: files or folders, as a JSON array.",
    )
    detections: tuple[Path, ...] = Field(
        (), description="Folders of detections, as a JSON array; empty: the built-in pack."
    )
    sandbox: Literal["process", "none"] = Field(
        "process",
        description="Where detections run: in a process of their own, or (none) in the service's, without any limit.",
    )
    rule_budget_s: float = Field(1.0, gt=0, description="How long a detection may take for one event.")
    rule_batch_budget_s: float = Field(
        10.0, gt=0, description="How long a detection may take for the events of one batch; it does not see the others."
    )
    rule_kill_s: float = Field(
        10.0, gt=0, description="When the process of a detection that cannot be stopped otherwise is ended."
    )
    rules_memory_mib: int = Field(1024, ge=128, description="Memory of the process in which detections run.")
    rule_errors_max: int = Field(
        1000,
        ge=1,
        description="Errors within an hour that suspend a detection; costly ones count for more.",
    )
    lookup_max_mib: int = Field(64, ge=1, description="Largest lookup table, decompressed; a larger one is not loaded.")
    alerts_file: Path | None = Field(
        None, description="JSON-lines file of alerts; default: HEADWATER_HOME/alerts.jsonl."
    )
    alerts_topic_arn: str | None = Field(None, description="SNS topic that receives every alert.")
    destinations_file: Annotated[str | None, BeforeValidator(lambda value: None if value is None else str(value))] = (
        Field(None, description="Where alerts go (docs/alerts.md): a file or an s3:// URL, destinations.yml.")
    )
    storm_alerts_per_hour: int = Field(
        50,
        ge=0,
        description="Messages of one detection an hour, for each account and severity; further alerts are merged "
        "into one. 0: any number; 3 is the least otherwise.",
    )
    alert_reopen: Literal["new", "reopen"] = Field(
        "new", description="What matches in the window of a resolved alert do: open another alert, or that one again."
    )
    deliver: Literal["worker", "off"] = Field(
        "worker", description="Who sends alerts: the worker, or (off) `headwater deliver` in a process of its own."
    )
    console_url: str = Field(
        "", description="Address that links to alerts begin with: the alert's id is put behind it."
    )
    reject_share_limit: float = Field(
        0.05, ge=0, le=1, description="Alert on a source when more than this share of its last hour's rows is rejected."
    )
    reject_share_min_rows: int = Field(
        100, ge=1, description="Rows that a source must have sent in the last hour for that alert."
    )
    health_check_s: float = Field(60.0, gt=0, description="How often the service looks at all sources.")
    lag_limit_s: float = Field(
        6 * 3600.0, gt=0, description="Alert on a source that sends objects when its newest row is older than this."
    )
    never_seen_limit_s: float = Field(
        24 * 3600.0, gt=0, description="Alert on a source that has sent nothing for so long since it was onboarded."
    )
    drop_share_limit: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Alert on a source whose last whole hours have less than this share of their usual rows; 0: never.",
    )
    metrics: Literal["none", "emf", "prometheus", "both"] = Field(
        "none",
        description="emf: lines for CloudWatch on stdout. prometheus: /metrics on the HTTP port.",
    )
    metrics_interval_s: float = Field(60.0, ge=1, description="How often lines for CloudWatch are written.")
    metrics_max_sources: int = Field(
        200, ge=0, description="Sources and log types with series of their own in one process; the rest is `other`."
    )
    http_port: int = Field(0, ge=0, le=65_535, description="Port of /healthz, /readyz and /metrics; 0: none is opened.")
    http_host: str = Field(
        "127.0.0.1", description="Address of that port; 0.0.0.0 where something outside of the container asks."
    )
    stalled_after_s: float = Field(
        900.0, gt=0, description="/healthz fails when the loop of a process has not turned for so long."
    )

    @property
    def resolved_state_url(self) -> str:
        """The state database, with its default filled in."""
        return self.state_url or f"sqlite:///{(self.home / 'state.db').absolute()}"

    @property
    def resolved_warehouse(self) -> str:
        """The lake's location, with its default filled in."""
        return self.lake_warehouse or str((self.home / "lake").absolute())

    @property
    def resolved_alerts_file(self) -> Path:
        """The local alerts file, with its default filled in."""
        return self.alerts_file or self.home / "alerts.jsonl"
