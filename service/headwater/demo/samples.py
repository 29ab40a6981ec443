"""Log objects of two customers as AWS would have written them: four log types, six incidents, one bad row.

Deterministic: the same day gives the same bytes. Accounts, addresses and names are those reserved for documentation.
Keys and formats: AWS's guides of CloudTrail, VPC flow logs, S3 server access logs and Application Load Balancers.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from headwater.demo.sample_trail import Trail, trail_object

DAY = date(2026, 2, 3)
REGION = "us-east-1"
HOURS = (8, 9, 10)
FLOWS, REQUESTS, ACCESSES = 120, 80, 60  # rows of an hour's object
FLOW_HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
ADMIN = "AWSReservedSSO_AdministratorAccess_0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer of the demonstration."""

    account_id: str
    name: str
    bucket: str


PAYMENTS = Customer("111122223333", "payments", "payments-logs-111122223333")
WEBSHOP = Customer("444455556666", "webshop", "webshop-logs-444455556666")
CUSTOMERS = (PAYMENTS, WEBSHOP)


@dataclass(frozen=True, slots=True)
class SampleObject:
    """One object to upload. rows: records in it, of which `bad` fit no schema."""

    customer: Customer
    key: str
    body: bytes = field(repr=False)
    log_type: str
    rows: int
    bad: int = 0


def sample_objects(day: date = DAY) -> tuple[SampleObject, ...]:
    """Everything both customers wrote within three hours of a day."""
    made = [each for customer in CUSTOMERS for hour in HOURS for each in _hour(customer, _start(day, hour))]
    return tuple(made)


def _start(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def _hour(customer: Customer, start: datetime) -> Iterator[SampleObject]:
    chance = random.Random(f"{customer.account_id} {start.isoformat()}")  # noqa: S311 - repeatable, not secret
    key, body, rows = trail_object(
        Trail(customer.account_id, customer.bucket, REGION, start), chance, _incidents(customer, start)
    )
    yield SampleObject(customer, key, body, "AWS.CloudTrail", rows)
    yield _flow_logs(customer, start, chance)
    yield _load_balancer(customer, start, chance)
    yield _server_access(customer, start, chance)


def _incidents(customer: Customer, start: datetime) -> tuple[str, ...]:
    """What goes wrong where: the payments account is taken over, the web shop opens a bucket."""
    if customer is PAYMENTS and start.hour == HOURS[1]:
        return ("root_login", "access_key_for_another_user", "trail_stopped")
    return ("bucket_made_public",) if customer is WEBSHOP and start.hour == HOURS[2] else ()


def _flow_logs(customer: Customer, start: datetime, chance: random.Random) -> SampleObject:
    """Traffic of one interface; the web shop accepts SSH from the internet, and one of its rows is cut off."""
    lines = [_flow(customer, start, chance) for _ in range(FLOWS)]
    attacked = customer is WEBSHOP and start.hour == HOURS[0]
    if attacked:
        lines[40] = _flow_line(
            customer, "203.0.113.66", "10.0.1.15", 51812, 22, 6, start + timedelta(minutes=20), "ACCEPT", 48
        )
        lines[41] = f"2 {customer.account_id} eni-0123456789abcdef0 198.51.100.7 10.0.1"
    text = "\n".join([FLOW_HEADER, *lines]) + "\n"
    stamp = start + timedelta(hours=1)
    name = (
        f"{customer.account_id}_vpcflowlogs_{REGION}_fl-0123456789abcdef0_{stamp:%Y%m%dT%H%MZ}_{_hex(chance, 8)}.log.gz"
    )
    key = f"AWSLogs/{customer.account_id}/vpcflowlogs/{REGION}/{stamp:%Y/%m/%d}/{name}"
    return SampleObject(customer, key, _gzip(text), "AWS.VPCFlow", FLOWS, bad=int(attacked))


def _flow(customer: Customer, start: datetime, chance: random.Random) -> str:
    at = start + timedelta(seconds=chance.randrange(3_500))
    inside, outside = f"10.0.1.{chance.randrange(10, 30)}", _address(chance)
    port = chance.choice((443, 443, 443, 80, 5432))
    if chance.random() < 0.1:  # scanners, refused by the security group
        return _flow_line(customer, outside, inside, chance.randrange(1024, 65535), 22, 6, at, "REJECT", 1)
    return _flow_line(
        customer, inside, outside, chance.randrange(1024, 65535), port, 6, at, "ACCEPT", chance.randrange(5, 60)
    )


def _flow_line(
    customer: Customer,
    source: str,
    target: str,
    source_port: int,
    target_port: int,
    protocol: int,
    at: datetime,
    action: str,
    packets: int,
) -> str:
    begin = int(at.timestamp())
    ends = f"{source} {target} {source_port} {target_port} {protocol} {packets} {packets * 420}"
    return f"2 {customer.account_id} eni-0123456789abcdef0 {ends} {begin} {begin + 59} {action} OK"


def _load_balancer(customer: Customer, start: datetime, chance: random.Random) -> SampleObject:
    lines = [_request(customer, start, chance) for _ in range(REQUESTS)]
    end = start + timedelta(hours=1)
    name = (
        f"{customer.account_id}_elasticloadbalancing_{REGION}_app.{customer.name}.0123456789abcdef"
        f"_{end:%Y%m%dT%H%MZ}_192.0.2.30_{_hex(chance, 8)}.log.gz"
    )
    key = f"AWSLogs/{customer.account_id}/elasticloadbalancing/{REGION}/{end:%Y/%m/%d}/{name}"
    return SampleObject(customer, key, _gzip("\n".join(lines) + "\n"), "AWS.ALB", REQUESTS)


def _request(customer: Customer, start: datetime, chance: random.Random) -> str:
    at = start + timedelta(seconds=chance.randrange(3_599), microseconds=chance.randrange(1_000_000))
    host, path = (
        f"{customer.name}.example.com",
        chance.choice(("/", "/login", "/cart", "/api/orders?page=2", "/health")),
    )
    status = chance.choice((200, 200, 200, 200, 302, 404, 502))
    method, agent = chance.choice(("GET", "GET", "POST")), chance.choice(("Mozilla/5.0", "curl/8.5.0", "okhttp/4.12.0"))
    target = f"10.0.1.{chance.randrange(10, 30)}:8080"
    arn = f"arn:aws:elasticloadbalancing:{REGION}:{customer.account_id}:targetgroup/{customer.name}/0123456789abcdef"
    return " ".join(
        (
            f"https {at:%Y-%m-%dT%H:%M:%S.%fZ} app/{customer.name}/0123456789abcdef",
            f"{_address(chance)}:{chance.randrange(1024, 65535)} {target} 0.001 {chance.random() / 10:.3f} 0.000",
            f"{status} {status} {chance.randrange(100, 900)} {chance.randrange(200, 9000)}",
            f'"{method} https://{host}:443{path} HTTP/2.0" "{agent}" TLS_AES_128_GCM_SHA256 TLSv1.3 {arn}',
            f'"Root=1-{int(at.timestamp()):08x}-{_hex(chance, 24)}" "{host}"',
            f'"arn:aws:acm:{REGION}:{customer.account_id}:certificate/00000000-0000-4000-8000-000000000000"',
            f'1 {at:%Y-%m-%dT%H:%M:%S.%fZ} "forward" "-" "-" "{target}" "{status}" "-" "-" TID_{_hex(chance, 32)}',
        )
    )


def _server_access(customer: Customer, start: datetime, chance: random.Random) -> SampleObject:
    """Reads of a data bucket; once somebody reads payment data as an administrator."""
    lines = [_access(customer, start, chance, "app-role/i-0123456789abcdef0") for _ in range(ACCESSES)]
    if customer is PAYMENTS and start.hour == HOURS[1]:
        lines[30] = _access(customer, start, chance, f"{ADMIN}/mallory@example.com")
    delivered = start + timedelta(hours=1, minutes=chance.randrange(20))
    key = f"s3-access/{delivered:%Y-%m-%d-%H-%M-%S}-{_hex(chance, 16).upper()}"
    return SampleObject(customer, key, ("\n".join(lines) + "\n").encode(), "AWS.S3ServerAccess", ACCESSES)


def _access(customer: Customer, start: datetime, chance: random.Random, session: str) -> str:
    at = start + timedelta(seconds=chance.randrange(3_599))
    bucket, key = f"{customer.name}-data", f"invoices/2026/{chance.randrange(10_000):05d}.pdf"
    size, took_ms = chance.randrange(1_000, 90_000), chance.randrange(5, 60)
    requester = f"arn:aws:sts::{customer.account_id}:assumed-role/{session}"
    signed = f"SigV4 TLS_AES_128_GCM_SHA256 AuthHeader {bucket}.s3.{REGION}.amazonaws.com TLSv1.3 - -"
    return " ".join(
        (
            f"{'0' * 63}a {bucket} [{at:%d/%b/%Y:%H:%M:%S +0000}] {_address(chance)}",
            f"{requester} {_hex(chance, 16).upper()} REST.GET.OBJECT {key}",
            f'"GET /{key} HTTP/1.1" 200 - {size} {size} {took_ms} {took_ms - 1} "-" "aws-sdk-java/2.25"',
            f"- {_hex(chance, 32)}= {signed}",
        )
    )


def _address(chance: random.Random) -> str:
    return f"{chance.choice(('192.0.2', '198.51.100', '203.0.113'))}.{chance.randrange(1, 255)}"


def _hex(chance: random.Random, digits: int) -> str:
    return f"{chance.getrandbits(4 * digits):0{digits}x}"


def _gzip(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)
