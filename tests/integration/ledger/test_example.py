"""The example that docs/savings.md computes by hand, computed by the program."""

from decimal import Decimal
from pathlib import Path

import pytest

from backend.db.database import Database
from backend.errors import InvalidRequest
from backend.services.ledger_closing import LedgerClosing
from backend.services.savings_overview import SavingsOverview
from tests.fakes.clock import FakeClock
from tests.integration.jobs.rows import insert, query
from tests.integration.ledger.rows import (
    AGENT,
    CLIENT,
    HOUR,
    NOON,
    at,
    booked,
    clean,
    make_agent,
    make_instance,
    make_notice,
    make_replica,
    ondemand,
)

pytestmark = pytest.mark.db
PAGE = Path(__file__).resolve().parents[3] / "docs" / "savings.md"


@pytest.fixture
def example(database: Database) -> Database:
    make_agent(database, primary="i-rrr")
    ondemand(database, "0.096")
    clean(database, at(-10), at(30), "0.04")
    clean(database, at(30), at(120), "0.042")
    clean(database, at(-10), at(120), "0.036", az="eu-west-1b")
    make_instance(database, "i-aaa", at(-60), role="superseded", role_changed_at=at(63.5))
    make_instance(database, "i-rrr", at(20), az="eu-west-1b", role_changed_at=at(63.5))
    make_notice(database, "i-aaa", at(63))
    insert(
        database,
        "switches",
        id="promotion",
        client_id=CLIENT,
        agent_id=AGENT,
        cause="termination",
        status="completed",
        reason="promotion",
        old_instance_id="i-aaa",
        new_instance_id="i-rrr",
        requested_at=at(63),
        ready_at=at(63.5),
        cut_over_at=at(64),
        ended_at=at(64),
    )
    query(database, "UPDATE agents SET created_at = %(at)s", at=NOON)
    make_replica(
        database, "i-rrr", at(20), az="eu-west-1b", status="promoted", promoted_at=at(63.5)
    )
    # The last standby ran in a pool of its own, the client's third.
    query(
        database,
        "INSERT INTO pricing_snapshots_clean SELECT 3, bucket_at, scope, day_on, client_id, 0.039,"
        " source, sample_count, report_count, spread_usd_per_hour, is_discrepant, updated_at"
        " FROM pricing_snapshots_clean WHERE pool_id = 1",
    )
    make_replica(database, "i-fff", at(70), az="eu-west-1c")
    make_instance(database, "i-fff", at(70), role="replica", az="eu-west-1c")
    make_notice(database, "i-fff", at(98))
    LedgerClosing(database).close(now=at(130))
    return database


def test_program_finds_the_rows_of_the_page(example: Database):
    printed = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if "| i-" in line
    ]
    told = {(c[0], c[1], c[2], c[3], c[5], c[6]) for c in printed}

    found = {
        (
            f"{row['starts_at']:%H:%M:%S}",
            f"{row['ends_at']:%H:%M:%S}",
            row["instance_id"],
            row["role"],
            f"{row['baseline_usd']:.8f}",
            f"{row['cost_usd']:.8f}",
        )
        for row in booked(example)
    }

    assert len(told) == 8
    assert found == told


def test_overview_has_the_totals_of_the_page(example: Database):
    clock = FakeClock(at(130))

    overview = SavingsOverview(example, clock).overview(CLIENT)

    assert overview.closed_until == NOON + 2 * HOUR
    assert overview.total_savings_usd == Decimal("0.0875")
    (agent,) = overview.agents
    for figures in (overview.months[0].figures, overview.days[0].figures, agent.figures):
        assert figures.baseline_usd == Decimal("0.192")
        assert figures.cost_usd == Decimal("0.1045")
        assert figures.replica_usd == Decimal("0.0261")
        assert figures.overlap_usd == Decimal("0.00105")
        assert round(figures.savings_percent, 2) == Decimal("45.57")
    assert agent.logical_agent_id == "web-1"


def test_overview_shows_nothing_of_another_tenant(example: Database):
    savings = SavingsOverview(example, FakeClock(at(130)))

    other = savings.overview("b")

    assert (other.total_cost_usd, list(other.agents), list(other.days)) == (0, [], [])
    assert savings.agent_days("b", AGENT) == []
    assert savings.agent_rows("b", AGENT, NOON.date()) == []
    assert len(savings.agent_rows(CLIENT, AGENT, NOON.date())) == 8
    assert savings.overview(None).total_savings_usd == Decimal("0.0875")


def test_overview_refuses_days_out_of_range(example: Database):
    savings = SavingsOverview(example, FakeClock(at(130)))

    for days in (0, 367):
        with pytest.raises(InvalidRequest):
            savings.overview(CLIENT, days=days)
