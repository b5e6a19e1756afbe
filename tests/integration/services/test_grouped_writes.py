"""Writes that several callers share: the same rows as one by one, and no tenant touches another's."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest

from backend.db.grouping import Grouping
from backend.repositories import instances, price_reports
from backend.repositories.instances import IdleSync, SignOfLife
from tests.fakes.clock import START
from tests.integration.fallback.rows import make_agent, make_client, query

pytestmark = pytest.mark.db
LATER = START + timedelta(minutes=3)


@pytest.fixture
def agents(database):
    """Three agents of two clients, last heard at START."""
    first = make_client(database)
    return [make_agent(database, first), make_agent(database, first), make_agent(database)]


def sign(agent) -> SignOfLife:
    return SignOfLife(
        client_id=agent["client_id"],
        agent_id=agent["id"],
        instance_id=agent["primary_instance_id"],
    )


def sync(agent, cpu="12.5") -> IdleSync:
    return IdleSync(
        client_id=agent["client_id"],
        agent_id=agent["id"],
        instance_id=agent["primary_instance_id"],
        cpu_percent=Decimal(cpu),
        memory_percent=None,
        disk_percent=Decimal(60),
        known_news=0,
    )


def report(agent, seconds=0, **over):
    at = START + timedelta(seconds=seconds)
    entries = [{"p": 1, "z": "eu-west-1a", "c": 0.03, "o": 1}]
    return {
        "now": LATER,
        "client_id": agent["client_id"],
        "agent_id": agent["id"],
        "instance_id": agent["primary_instance_id"],
        "observed_at": at,
        "bucket_at": START,
        "shared_slot": "3",
        "own_slot": f"{agent['primary_instance_id']}@{at:%H%M%S.%f}",
        "region": "eu-west-1",
        "instance_type": "m5.large",
        "mode": "spot",
        "ondemand_price": Decimal("0.096"),
        "ondemand_source": "aws_price_list",
        "spot_price": None,
        "accepted_count": 1,
        "refused_count": 0,
        "entries": orjson.dumps(entries).decode(),
        **over,
    }


def heard(database):
    return {r["instance_id"]: r for r in query(database, "SELECT * FROM instances")}


def run(database, work):
    return database.run("test", work)


def test_signs_of_life_of_several_tenants_are_noted_together(database, agents):
    done = run(
        database,
        lambda s: instances.beat_steady_together(s, [sign(a) for a in agents], now=LATER),
    )

    assert done
    assert {row["last_seen_at"] for row in heard(database).values()} == {LATER}


def test_foreign_tenant_moves_nothing_and_the_group_is_told_to_part(database, agents):
    foreign = replace(sign(agents[2]), client_id=agents[0]["client_id"])

    done = run(
        database,
        lambda s: instances.beat_steady_together(s, [sign(agents[0]), foreign], now=LATER),
    )

    assert not done
    assert heard(database)[agents[2]["primary_instance_id"]]["last_seen_at"] == START


def test_idle_syncs_keep_each_instances_own_vitals(database, agents):
    syncs = [sync(agent, cpu) for agent, cpu in zip(agents, ("1.25", "2.50", "100"), strict=True)]

    done = run(database, lambda s: instances.sync_idly_together(s, syncs, now=LATER))

    rows = heard(database)
    found = [rows[one.instance_id] for one in syncs]
    assert done
    assert [row["cpu_percent"] for row in found] == [Decimal("1.25"), Decimal("2.5"), Decimal(100)]
    assert {(r["memory_percent"], r["disk_percent"]) for r in found} == {(None, Decimal(60))}


def test_sync_with_news_is_left_to_itself(database, agents):
    query(
        database,
        "UPDATE instances SET news_count = 1 WHERE agent_id = %(id)s",
        id=agents[1]["id"],
    )

    done = run(
        database,
        lambda s: instances.sync_idly_together(s, [sync(a) for a in agents], now=LATER),
    )

    assert not done
    assert heard(database)[agents[1]["primary_instance_id"]]["last_seen_at"] == START


TABLES = {
    "pricing_reports": "agent_id, instance_id, observed_at",
    "pending_price_reports": "agent_id, observed_at",
}
PRICES = (
    "SELECT instance_id, ondemand_price_usd_per_hour, spot_price_usd_per_hour, mode, prices_at"
    " FROM instances ORDER BY instance_id"
)


def books(database):
    found = [query(database, f"SELECT * FROM {t} ORDER BY {o}") for t, o in TABLES.items()]
    for row in found[1]:
        del row["id"]
    return [*found, query(database, PRICES)]


def test_reports_kept_together_are_the_rows_of_reports_kept_one_by_one(database, agents):
    reports = [
        report(agents[0], spot_price=Decimal("0.031")),
        report(agents[1], 30, ondemand_price=None),
        report(agents[2], mode="ondemand"),
    ]
    for one in reports:
        run(
            database,
            lambda s, one=one: price_reports.record_pricing_report(s, {**one, "is_due": 0}),
        )
    alone = books(database)
    for table in TABLES:
        query(database, f"DELETE FROM {table}")
    query(
        database,
        "UPDATE instances SET ondemand_price_usd_per_hour = NULL,"
        " spot_price_usd_per_hour = NULL, prices_at = NULL",
    )

    assert run(
        database, lambda s: price_reports.record_pricing_reports(s, reports[::-1], now=LATER)
    )

    assert len(alone[1]) == 3
    assert books(database) == alone


@pytest.mark.parametrize("flaw", ["repeat", "foreign", "unknown"])
def test_group_with_one_bad_report_keeps_nothing(database, agents, flaw):
    bad = {
        "repeat": report(agents[0]),
        "foreign": report(agents[2], client_id=agents[0]["client_id"]),
        "unknown": report(agents[2], instance_id="i-unknown"),
    }[flaw]

    kept = run(
        database,
        lambda s: price_reports.record_pricing_reports(
            s, [report(agents[0]), report(agents[1]), bad], now=LATER
        ),
    )

    assert not kept
    assert [books(database)[n] for n in (0, 1)] == [[], []]


def test_crowd_over_a_real_database_loses_no_sign_of_life(database, agents):
    strangers = [replace(sign(agents[0]), instance_id=f"i-none-{n}") for n in range(5)]
    group = Grouping(
        lambda one: run(database, lambda s: instances.beat_steady(s, one, now=LATER)),
        lambda many: run(database, lambda s: instances.beat_steady_together(s, many, now=LATER)),
    )
    known = [sign(agent) for agent in agents]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(group.do, [*known, *strangers] * 25))

    assert results == [*[True] * 3, *[False] * 5] * 25
    assert {row["last_seen_at"] for row in heard(database).values()} == {LATER}
