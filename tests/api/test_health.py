"""Health with a good database, a dead one, one that hangs, and one that is behind."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest

from backend.app import create_app
from backend.bootstrap import build_container
from backend.clock import SystemClock
from backend.db.connect import DatabaseAddress, connect
from backend.db.database import Database
from backend.db.pool import Pool
from backend.errors import DatabaseUnavailable
from backend.services import health
from tests.api.rows import rows


@pytest.fixture
def http(settings, database):
    """The machine's clock: health compares it with the database's."""
    return create_app(build_container(settings, SystemClock(), database)).test_client()


@pytest.fixture
def http_without_database(settings, tmp_path):
    address = DatabaseAddress("x", "x", "secret-word", unix_socket=tmp_path / "nobody.sock")
    pool = Pool(lambda: connect(address), size=1, wait_seconds=0.1, clock=SystemClock())
    return create_app(build_container(settings, SystemClock(), Database(pool))).test_client()


class HangingDatabase:
    """Answers only when it is told to."""

    def __init__(self) -> None:
        self.released = threading.Event()

    @contextmanager
    def session(self):
        self.released.wait(30)
        raise DatabaseUnavailable
        yield


def test_healthy_node_answers_the_recorded_shape(http):
    answer = http.get("/health")

    assert answer.status_code == 200
    assert answer.json["status"] == "healthy"
    assert answer.json["database"] == "connected"
    assert answer.json["decision_engine_loaded"] is True
    assert answer.json["timestamp"].endswith("Z")
    assert (answer.json["live"], answer.json["ready"]) == (True, True)
    assert set(answer.json["parts"]) == {
        "database", "migrations", "clock", "scheduler", "event_scheduler", "freeze", "scorer",
    }  # fmt: skip


def test_missing_scheduler_is_told_but_the_node_is_ready(http):
    parts = http.get("/health").json["parts"]

    assert parts["scheduler"] == {"ok": False, "state": "no scheduler"}
    assert http.get("/health/ready").status_code == 200


@pytest.mark.parametrize(("age", "is_alive"), [(119, True), (121, False)])
def test_scheduler_lives_when_a_job_started_within_two_minutes(http, database, age, is_alive):
    rows(
        database,
        "INSERT INTO job_runs (job, slot, status, node, lease_until, started_at) VALUES"
        f" ('x', 1, 'done', 'n', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) - INTERVAL {age} SECOND)",
    )

    assert http.get("/health").json["parts"]["scheduler"]["ok"] is is_alive


def test_dead_database_is_503_but_the_process_lives(http_without_database):
    answer = http_without_database.get("/health")

    assert answer.status_code == 503
    assert (answer.json["status"], answer.json["database"]) == ("unhealthy", "disconnected")
    assert http_without_database.get("/health/ready").status_code == 503
    assert http_without_database.get("/health/live").status_code == 200
    assert "secret-word" not in answer.text


def test_dead_database_makes_calls_503_with_retry_after(http_without_database):
    answer = http_without_database.get(
        "/api/agents", headers={"Authorization": "Bearer token-" + "x" * 32}
    )

    assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


def test_clock_that_differs_by_more_than_a_second_is_not_ready(settings, clock, database):
    http = create_app(build_container(settings, clock, database)).test_client()

    answer = http.get("/health")

    assert answer.status_code == 503
    assert answer.json["parts"]["clock"]["ok"] is False


def test_pending_migration_is_not_ready(database):
    service = health.HealthService(database, SystemClock(), lambda _session: ["0099_later"])

    found = service.check()

    assert not found.is_ready
    assert "0099_later" in found.parts["migrations"].state


def test_hanging_database_is_answered_in_time(clock, monkeypatch):
    monkeypatch.setattr(health, "LONGEST_WAIT_SECONDS", 0.05)
    hanging = HangingDatabase()
    service = health.HealthService(hanging, clock, lambda _session: [])

    found = [service.check() for _ in range(3)]
    probes = [t for t in threading.enumerate() if t.name == "health-probe"]
    hanging.released.set()
    for probe in probes:
        probe.join()

    assert [f.is_ready for f in found] == [False] * 3
    assert len(probes) == 1


def test_answer_is_kept_for_a_second(clock, database):
    asked: list[int] = []
    service = health.HealthService(database, clock, lambda _session: asked.append(1) or [])

    service.check()
    service.check()
    clock.advance(timedelta(seconds=1))
    service.check()

    assert len(asked) == 2
