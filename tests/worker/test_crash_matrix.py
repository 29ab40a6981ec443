"""However workers end, pause or are disturbed, what they leave is what an undisturbed worker leaves.

Each test notes what it has done (`record_property`); scripts/crash_matrix.py makes the table of docs/reliability.md of
these notes.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from headwater.demo.aws_server import LocalAws
from support.scene import CrashServer, Scene, crash_server, new_run, put_objects
from support.world import World, make_world

NAMES = itertools.count(10_000)
ROWS, MATCHES, REJECTS = "logs.aws_cloudtrail", "append:detections.matches", "append:monitor.rejects"
APPEND = f"append:{ROWS}"
STEPS = ("claim", "open", "prepare", APPEND, "append:logs.aws_vpcflow", REJECTS, MATCHES, "finish", "acknowledge")
WITHIN = (  # steps
    "fetch/answered.1",
    "prepare/commit.1",
    "prepare/committed.1",
    f"{APPEND}/created.1",
    f"{APPEND}/commit.1",
    f"{APPEND}/committed.1",
    "finish/commit.1",
    "finish/committed.1",
    "acknowledge/answered.1",
)
Note = Callable[[str, object], None]


@dataclass(frozen=True)
class Customer:
    """A customer with objects, their notifications, and what an undisturbed worker leaves of them."""

    server: CrashServer
    world: World
    notifications: list[dict[str, Any]]

    def scene(self, folder: Path, state_url: str) -> Scene:
        """A new run, with nothing in its queue."""
        folder.mkdir(exist_ok=True)
        pack = self.world.accounts_file.parent / "pack"
        return Scene(self.server, new_run(self.world, folder, state_url, f"run-{next(NAMES)}", pack), folder)

    def notify(self, scene: Scene, copies: int = 1) -> None:
        """Send each notification, so many times, in another order each time."""
        sent = self.notifications * copies
        if copies > 1:
            random.Random(copies).shuffle(sent)
        for each in sent:
            scene.world.notify(each)


@pytest.fixture(scope="module")
def customer(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    with pytest.MonkeyPatch.context() as environment, crash_server() as server:
        for name, value in aws.environment.items():
            environment.setenv(name, value)
        folder = tmp_path_factory.mktemp("customer")
        world = make_world(folder, next(NAMES), environment)
        yield Customer(server, world, put_objects(world, folder / "pack"))


@dataclass(frozen=True)
class Undisturbed:
    """What an undisturbed worker leaves, and the points that it passes."""

    outcome: dict[str, Any]
    points: list[str]


@pytest.fixture(scope="module")
def undisturbed(customer: Customer, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    scene = customer.scene(folder, f"sqlite:///{folder}/state.db")
    customer.notify(scene)
    assert scene.run() == "exit 0", scene.log()
    return Undisturbed(scene.outcome(), scene.points())


@pytest.fixture
def scene(customer: Customer, tmp_path: Path, state_url: str) -> Scene:
    """A new run with every notification in its queue."""
    made = customer.scene(tmp_path, state_url)
    customer.notify(made)
    return made


@pytest.fixture
def postgresql_scene(customer: Customer, tmp_path: Path, postgresql_url: str) -> Scene:
    made = customer.scene(tmp_path, postgresql_url)
    customer.notify(made)
    return made


@pytest.fixture
def note(record_property: Note, request: pytest.FixtureRequest) -> Note:
    """Notes for the table, with the database of the test."""
    names = request.fixturenames
    engine = request.node.callspec.params.get("state_url") if hasattr(request.node, "callspec") else None
    record_property("database", engine or ("postgresql" if "postgresql_scene" in names else "sqlite"))
    return record_property


def test_undisturbed_worker_leaves_every_row_match_alert_and_delivery_once(
    scene: Scene, undisturbed: Undisturbed, note: Note
) -> None:
    note("what", "nothing")

    assert scene.run() == "exit 0"

    found = scene.outcome()
    assert found == undisturbed.outcome
    assert {table: set(found[table].values()) for table in found if "." in table} == dict.fromkeys(
        (ROWS, "logs.aws_vpcflow", "monitor.rejects", "detections.matches"), {1}
    )
    assert [len(found[table]) for table in (ROWS, "logs.aws_vpcflow", "monitor.rejects")] == [11, 2, 1]
    assert [(rule, count) for rule, _, count, _ in found["alerts"]] == [("Stopped", 3), ("StoppedOften", 3)]
    assert [status for *_, status, delivered in found["deliveries"] if delivered] == ["sent", "sent"]
    assert sorted(kind for _, kind in found["dead letters"]) == ["ObjectMissing", "truncated", "unknown_source"]


@pytest.mark.parametrize("point", [*STEPS, *WITHIN])
def test_killed_at_a_step_or_within_one(
    postgresql_scene: Scene, undisturbed: Undisturbed, note: Note, point: str
) -> None:
    note("what", "killed")

    assert postgresql_scene.run(point) == "killed"
    postgresql_scene.finish()

    assert postgresql_scene.outcome() == undisturbed.outcome
