"""The objects of a soak: what is wrong with each, and the notifications of them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws import ETAGS, GOOD, LASTING, PASSING, REGION, TEMPLATES

ACCOUNTS = tuple(str(200_000_000_000 + number) for number in range(50))
PER_MESSAGE = 10
RATE = 0.01
ROWS = {"reject": 2}  # the others have three
KINDS = {"missing": "ObjectMissing", "denied": "AccessDenied", "unknown": "unknown_source"}  # the ledger's words


@dataclass(frozen=True, slots=True)
class Thing:
    """One object: its number, its account and what is wrong with it."""

    number: int
    account: str
    kind: str

    @property
    def bucket(self) -> str:
        """Its bucket; nobody knows that of kind "unknown"."""
        return f"soak-nobody-{self.account}" if self.kind == "unknown" else f"soak-logs-{self.account}"

    @property
    def key(self) -> str:
        """Its key, from which the server tells its kind."""
        file = f"{self.account}_CloudTrail_us-east-1_20260203T0405Z_{self.kind}-{self.number}.json.gz"
        return f"AWSLogs/{self.account}/CloudTrail/us-east-1/2026/02/03/{file}"

    @property
    def notification(self) -> dict[str, Any]:
        """The S3 event record of it."""
        described = {"key": self.key, "size": len(TEMPLATES[self.kind]), "eTag": ETAGS[self.kind]}
        return {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "awsRegion": REGION,
            "s3": {"bucket": {"name": self.bucket}, "object": described},
        }

    @property
    def end(self) -> str:
        """What must become of it: done, or the kind of its failure."""
        return KINDS.get(self.kind, self.kind) if self.kind in LASTING else "done"

    @property
    def rows(self) -> int:
        """Its rows in the lake."""
        return ROWS.get(self.kind, 3) if self.end == "done" else 0


def draw(count: int, chance: random.Random) -> list[Thing]:
    """So many objects: of each fault one in a hundred, alerts and bad rows in some."""
    faulty = (*LASTING, *PASSING)
    weights = [RATE for _ in faulty] + [1 - RATE * (len(faulty) + 7), RATE * 5, RATE * 2]
    kinds = chance.choices((*faulty, *GOOD), weights, k=count)
    return [Thing(number, ACCOUNTS[number % len(ACCOUNTS)], kind) for number, kind in enumerate(kinds)]


def messages(every: Sequence[Thing], chance: random.Random) -> list[str]:
    """Notifications of ten objects each, out of order, one of a hundred twice."""
    shuffled = list(every)
    chance.shuffle(shuffled)
    groups = [shuffled[start : start + PER_MESSAGE] for start in range(0, len(shuffled), PER_MESSAGE)]
    bodies = [json.dumps({"Records": [thing.notification for thing in group]}) for group in groups]
    bodies += chance.sample(bodies, max(1, round(len(bodies) * RATE)))
    chance.shuffle(bodies)
    return bodies
