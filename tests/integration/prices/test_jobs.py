"""The jobs, through the runner: from a report to a clean price, a fill and a risk."""

from datetime import timedelta
from decimal import Decimal

import pytest

from backend.domain.prices import PriceSource, bucket_of
from backend.jobs.registry import JOBS
from backend.jobs.runner import Outcome
from backend.sef.quality import RawPrice
from tests.integration.jobs.bench import make_node
from tests.integration.jobs.rows import query
from tests.integration.prices.rows import SHARED, make_market, report

pytestmark = pytest.mark.db


def test_reports_become_points_fills_and_risks(database):
    runner, history = make_node(database)
    now = history.now()
    make_market(database)
    query(
        database,
        "UPDATE pool_prices SET observed_at = %(at)s, reported_at = %(at)s",
        at=now - timedelta(minutes=1),
    )
    reports = [
        RawPrice(
            client_id="a",
            pool_id=SHARED,
            bucket_at=bucket_of(now - timedelta(minutes=minutes)),
            price=Decimal("0.1"),
            source=PriceSource.PRIMARY,
        )
        for minutes in (25, 5)
    ]
    report(database, reports, at=now - timedelta(seconds=1))
    done = {
        name: runner.run_now(JOBS[name])
        for name in ("dedup_prices", "interpolate_prices", "refresh_pool_reliability")
    }

    assert {name: outcome for name, (outcome, _) in done.items()} == dict.fromkeys(
        done, Outcome.DONE
    )
    assert {name: result.row_count for name, (_, result) in done.items()} == {
        "dedup_prices": 2,
        "interpolate_prices": 3,
        "refresh_pool_reliability": 9,
    }
