"""Write the tables of docs/cost.md: prices, what is assumed, and what three volumes of logs cost.

python scripts/cost_tables.py           rewrites the tables
python scripts/cost_tables.py --check   exits with 1 where they are out of date

Change a price or a figure here and run it again; the sums follow.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pages import filled, publish

PAGE = Path(__file__).parents[1] / "docs" / "cost.md"
VOLUMES_GB = (10, 100, 1000)
HOURS, DAYS = 730, 30.4  # of a month
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Figure:
    """A price or an assumption: its value, what it counts, and where it is from."""

    value: float
    unit: str
    source: str


PRICES: Mapping[str, Figure] = {
    "vcpu": Figure(0.03238, "vCPU and hour of Fargate, Linux on ARM", "https://aws.amazon.com/fargate/pricing/"),
    "memory": Figure(0.00356, "GB and hour of Fargate, Linux on ARM", "https://aws.amazon.com/fargate/pricing/"),
    "s3_warm": Figure(
        0.023, "GB and month of S3 Standard, and of Intelligent-Tiering at first", "https://aws.amazon.com/s3/pricing/"
    ),
    "s3_cool": Figure(
        0.0125, "GB and month of Intelligent-Tiering, 30 days unread", "https://aws.amazon.com/s3/pricing/"
    ),
    "s3_cold": Figure(
        0.004, "GB and month of Intelligent-Tiering, 90 days unread", "https://aws.amazon.com/s3/pricing/"
    ),
    "s3_put": Figure(0.005, "1,000 PUT, LIST requests to S3", "https://aws.amazon.com/s3/pricing/"),
    "s3_get": Figure(0.0004, "1,000 GET requests to S3", "https://aws.amazon.com/s3/pricing/"),
    "database": Figure(
        0.13, "hour of RDS PostgreSQL db.t4g.medium, Multi-AZ", "https://aws.amazon.com/rds/postgresql/pricing/"
    ),
    "database_gb": Figure(
        0.23, "GB and month of its gp3 storage, Multi-AZ", "https://aws.amazon.com/rds/postgresql/pricing/"
    ),
    "endpoint": Figure(0.01, "interface endpoint, zone and hour", "https://aws.amazon.com/privatelink/pricing/"),
    "sqs": Figure(0.40, "million requests to SQS, standard queue", "https://aws.amazon.com/sqs/pricing/"),
    "sns": Figure(
        0.50, "million messages published to SNS (delivery to SQS is free)", "https://aws.amazon.com/sns/pricing/"
    ),
    "kms_key": Figure(1.0, "KMS key and month", "https://aws.amazon.com/kms/pricing/"),
    "kms": Figure(0.03, "10,000 requests to KMS", "https://aws.amazon.com/kms/pricing/"),
    "glue": Figure(
        1.0,
        "million requests to the Glue Data Catalog, beyond the first million of a month",
        "https://aws.amazon.com/glue/pricing/",
    ),
    "athena": Figure(5.0, "TB that Athena scans", "https://aws.amazon.com/athena/pricing/"),
    "logs": Figure(0.50, "GB that CloudWatch Logs takes in", "https://aws.amazon.com/cloudwatch/pricing/"),
    "metric": Figure(0.30, "custom metric and month of CloudWatch", "https://aws.amazon.com/cloudwatch/pricing/"),
    "alarm": Figure(0.10, "alarm and month of CloudWatch", "https://aws.amazon.com/cloudwatch/pricing/"),
    "dashboard": Figure(3.0, "dashboard and month of CloudWatch", "https://aws.amazon.com/cloudwatch/pricing/"),
    "secret": Figure(0.40, "secret and month of Secrets Manager", "https://aws.amazon.com/secrets-manager/pricing/"),
    "ecr": Figure(0.10, "GB and month of ECR", "https://aws.amazon.com/ecr/pricing/"),
}
ASSUMED: Mapping[str, Figure] = {
    "json_share": Figure(
        0.6, "part of the volume that is JSON such as CloudTrail; the rest is flow logs", "your accounts differ"
    ),
    "json_mb_s": Figure(20, "MB of CloudTrail that one vCPU takes in a second, with all rules", "measured: 24"),
    "flow_mb_s": Figure(3, "MB of VPC flow logs that one vCPU takes in a second, with all rules", "measured: 3.5"),
    "busy": Figure(0.5, "part of the paid vCPU time that is used; the rest waits for peaks", "autoscaling"),
    "task_memory_gb": Figure(4, "GB of memory for each vCPU", "`tasks` of the module platform"),
    "json_kept": Figure(0.15, "part of CloudTrail's size that it takes in the lake", "measured"),
    "flow_kept": Figure(0.27, "part of the flow logs' size that they take in the lake", "measured"),
    "kept_days": Figure(365, "days that rows are kept", "your choice"),
    "undo_days": Figure(30, "days that replaced files stay", "`noncurrent_days` of the module lake"),
    "objects_gb": Figure(
        1000, "log objects a GB: 1 MB each, about 100 KB gzipped", "CloudTrail's are smaller in quiet accounts"
    ),
    "batch_s": Figure(2, "seconds between commits at most", "`HEADWATER_BATCH_MAX_S`"),
    "tables": Figure(2, "tables that a commit writes", ""),
    "puts": Figure(
        4, "files that a commit writes for a table: data, manifest, manifest list, metadata", "Apache Iceberg"
    ),
    "sqs_object": Figure(3, "requests to SQS for an object: send, receive, delete", ""),
    "kms_object": Figure(0.2, "requests to KMS for an object, with bucket keys and the queue's data key", ""),
    "log_object": Figure(600, "bytes of the service's own log for an object", ""),
    "endpoints": Figure(10, "interface endpoints, in each of 2 zones", "module network"),
    "keys": Figure(5, "KMS keys", "modules intake, lake, state, service, observability"),
    "database_gb": Figure(20, "GB of the state database", "module state"),
    "metrics": Figure(30, "custom metrics, those of Container Insights among them", "modules service, observability"),
    "alarms": Figure(9, "alarms, and one dashboard", "module observability"),
    "images_gb": Figure(3, "GB of images", "module service"),
    "scanned": Figure(1, "times the rows of a month that queries scan in a month", "your analysts differ"),
}


def main() -> int:
    """Rewrite the page, or compare it."""
    return publish({PAGE: rendered(PAGE.read_text("utf-8"))})


def rendered(text: str) -> str:
    """The page with every table between its markers made anew."""
    tables = {"prices": _figures(PRICES, "$"), "assumed": _figures(ASSUMED, ""), "examples": _examples()}
    return filled(text, {name: "\n".join(lines) for name, lines in tables.items()})


def costs(gb_a_day: float) -> dict[str, float]:
    """US dollars a month, line by line, for a volume of uncompressed logs."""
    return {**_compute(gb_a_day), **_storage(gb_a_day), **_messages(gb_a_day), **_fixed(gb_a_day)}


def vcpus(gb_a_day: float) -> float:
    """vCPUs that run at all hours, never less than one."""
    json, flow = _split(gb_a_day)
    work_s = json * 1000 / _assume("json_mb_s") + flow * 1000 / _assume("flow_mb_s")
    return max(1.0, work_s / DAY_S / _assume("busy"))


def commits(gb_a_day: float) -> float:
    """Commits a day: one for each object while they are few, else one every batch_s seconds for each vCPU."""
    return min(gb_a_day * _assume("objects_gb"), vcpus(gb_a_day) * DAY_S / _assume("batch_s"))


def _compute(gb_a_day: float) -> dict[str, float]:
    hour = _price("vcpu") + _price("memory") * _assume("task_memory_gb")
    return {"Fargate": vcpus(gb_a_day) * HOURS * hour}


def _storage(gb_a_day: float) -> dict[str, float]:
    """A file is warm for 60 days (30 in Standard, 30 unread), cool for 60, then cold."""
    kept = _kept(gb_a_day)
    days = _assume("kept_days")
    warm, cool, cold = min(days, 60) + _assume("undo_days"), max(min(days, 120) - 60, 0), max(days - 120, 0)
    stored = kept * (warm * _price("s3_warm") + cool * _price("s3_cool") + cold * _price("s3_cold"))
    files = commits(gb_a_day) * DAYS * _assume("tables") * _assume("puts")
    return {
        "S3, storage of the lake": stored,
        "S3, requests of the lake": files / 1000 * (_price("s3_put") + _price("s3_get")),
        "Athena": kept * DAYS * _assume("scanned") / 1000 * _price("athena"),
    }


def _messages(gb_a_day: float) -> dict[str, float]:
    objects = gb_a_day * _assume("objects_gb") * DAYS
    catalog = commits(gb_a_day) * DAYS * _assume("tables") * 3  # load, check, update
    return {
        "SQS": objects * _assume("sqs_object") / 1e6 * _price("sqs"),
        "Glue Data Catalog": max(catalog / 1e6 - 1, 0) * _price("glue"),
        "KMS": _assume("keys") * _price("kms_key") + objects * _assume("kms_object") / 10_000 * _price("kms"),
        "CloudWatch, the service's log": objects * _assume("log_object") / 1e9 * _price("logs"),
    }


def _fixed(_gb_a_day: float) -> dict[str, float]:
    watching = _assume("metrics") * _price("metric") + _assume("alarms") * _price("alarm") + _price("dashboard")
    return {
        "RDS": HOURS * _price("database") + _assume("database_gb") * _price("database_gb"),
        "Interface endpoints": _assume("endpoints") * 2 * HOURS * _price("endpoint"),
        "CloudWatch, metrics and alarms": watching,
        "Secrets Manager, ECR": _price("secret") + _assume("images_gb") * _price("ecr"),
    }


def _split(gb_a_day: float) -> tuple[float, float]:
    json = gb_a_day * _assume("json_share")
    return json, gb_a_day - json


def _kept(gb_a_day: float) -> float:
    json, flow = _split(gb_a_day)
    return json * _assume("json_kept") + flow * _assume("flow_kept")


def _price(name: str) -> float:
    return PRICES[name].value


def _assume(name: str) -> float:
    return ASSUMED[name].value


def _figures(figures: Mapping[str, Figure], sign: str) -> list[str]:
    rows = [f"| {sign}{_number(each.value)} | {each.unit} | {_source(each.source)} |" for each in figures.values()]
    return [
        f"| {'US dollars' if sign else 'Figure'} | for each | from |" if sign else "| Figure | what | from |",
        "|---:|---|---|",
        *rows,
    ]


def _source(source: str) -> str:
    site = re.fullmatch(r"https://aws\.amazon\.com/(.+)/pricing/", source)
    return f"[{site[1]}]({source})" if site else source


def _number(value: float) -> str:
    return f"{value:,.5f}".rstrip("0").rstrip(".")


def _examples() -> list[str]:
    """A column for each volume; the total is the sum of the rounded lines, as a reader would add them."""
    columns = [{name: round(value) for name, value in costs(volume).items()} for volume in VOLUMES_GB]
    totals = [sum(column.values()) for column in columns]
    rows = [[name, *(f"{column[name]:,}" for column in columns)] for name in columns[0]]
    rows.append(["**Total, US dollars a month**", *(f"**{total:,}**" for total in totals)])
    rows.append(
        [
            "for a GB taken in",
            *(f"{total / volume / DAYS:.2f}" for total, volume in zip(totals, VOLUMES_GB, strict=True)),
        ]
    )
    rows.append(["vCPUs that run, on average", *(f"{vcpus(volume):.1f}" for volume in VOLUMES_GB)])
    rows.append(["GB in the lake after a year", *(f"{_kept(volume) * 365:,.0f}" for volume in VOLUMES_GB)])
    head = ["", *(f"{volume:,} GB a day" for volume in VOLUMES_GB)]
    return [f"| {' | '.join(row)} |" for row in (head, ["---", *["---:"] * len(VOLUMES_GB)], *rows)]


if __name__ == "__main__":
    sys.exit(main())
