"""From a price report that was taken in to the price tables: a minute later at most, once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from backend.services import price_quality
from backend.services.price_quality import PriceQuality
from tests.contract.orders import registration
from tests.contract.serving import Tenant, World, in_parallel

A, B = "m5.large.us-east-1a", "m5.large.us-east-1b"
SECOND = timedelta(seconds=1)


def _agent(tenant: Tenant, instance_id: str = "i-0aaa") -> str:
    body = registration(instance_id, logical_agent_id=f"web-{instance_id}")
    return tenant.post("agents/register", body).json()["agent_id"]


def _report(world: World, tenant: Tenant, agent_id: str, prices: dict[str, float], **over: Any):
    instance = {
        "instance_id": over.pop("instance_id", "i-0aaa"),
        "instance_type": "m5.large",
        "region": "us-east-1",
        "az": "us-east-1a",
        "mode": "spot",
    }
    pricing = {
        "spot_pools": [{"pool_id": name, "price": price} for name, price in prices.items()],
        "collected_at": world.clock.now().isoformat(),
        **over,
    }
    answer = tenant.post(
        f"agents/{agent_id}/pricing-report", {"instance": instance, "pricing": pricing}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def _unfold(world: World) -> int:
    return PriceQuality(world.database).unfold_reports()


def _current(world: World) -> dict[str, Decimal]:
    rows = world.rows("SELECT az, price_usd_per_hour AS price FROM pool_prices")
    return {row["az"]: row["price"] for row in rows}


def _count(world: World, table: str) -> int:
    return int(world.row(f"SELECT COUNT(*) AS n FROM {table}")["n"])


def test_first_price_of_a_pool_is_seen_at_once(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    _report(world, alpha, agent_id, {A: 0.1}, on_demand_price=0.3)
    world.clock.advance(SECOND)

    _report(world, alpha, agent_id, {A: 0.1, B: 0.2})

    assert _current(world) == {"us-east-1a": Decimal("0.1"), "us-east-1b": Decimal("0.2")}
    ondemand = world.row("SELECT price_usd_per_hour AS price FROM ondemand_price_snapshots")
    assert ondemand["price"] == Decimal("0.3")


def test_next_price_is_seen_with_the_job_or_after_a_minute(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    _report(world, alpha, agent_id, {A: 0.1})
    world.clock.advance(SECOND * 30)
    _report(world, alpha, agent_id, {A: 0.2})
    assert _current(world) == {"us-east-1a": Decimal("0.1")}

    assert _unfold(world) == 2
    assert _current(world) == {"us-east-1a": Decimal("0.2")}

    world.clock.advance(SECOND * 31)
    _report(world, alpha, agent_id, {A: 0.3})
    assert _current(world) == {"us-east-1a": Decimal("0.3")}


def test_newest_price_stands_when_an_older_one_is_unfolded_later(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    earlier = (world.clock.now() - timedelta(minutes=2)).isoformat()
    _report(world, alpha, agent_id, {A: 0.1})
    _unfold(world)
    world.clock.advance(SECOND)

    _report(world, alpha, agent_id, {A: 0.9}, collected_at=earlier)
    _unfold(world)

    assert _current(world) == {"us-east-1a": Decimal("0.1")}
    assert _count(world, "spot_price_snapshots") == 2


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_every_report_counts_once_when_many_share_the_slots(
    world: World, alpha: Tenant, monkeypatch: pytest.MonkeyPatch, batch: int
):
    monkeypatch.setattr(price_quality, "UNFOLDED_REPORTS", batch)
    for number in range(6):
        instance_id = f"i-{number:04}"
        agent_id = _agent(alpha, instance_id)
        _report(world, alpha, agent_id, {A: 0.1, B: 0.2}, instance_id=instance_id)

    assert _unfold(world) == 6
    assert _unfold(world) == 0

    rows = world.rows("SELECT source, report_count AS n FROM spot_price_snapshots")
    assert sum(row["n"] for row in rows) == 12
    assert [row["n"] for row in rows if row["source"] == "primary"] == [1] * 6
    assert _count(world, "pending_price_reports") == 0


def test_every_report_counts_once_when_two_unfold_at_once(
    world: World, alpha: Tenant, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(price_quality, "UNFOLDED_REPORTS", 3)
    agent_id = _agent(alpha)
    for _ in range(12):
        _report(world, alpha, agent_id, {A: 0.1, B: 0.2})
        world.clock.advance(SECOND)

    counts = in_parallel(2, lambda _n: _unfold(world))
    _unfold(world)

    assert sum(counts) <= 12
    total = world.row("SELECT SUM(report_count) AS n FROM spot_price_snapshots")
    assert total["n"] == 24
    assert _count(world, "pending_price_reports") == 0


def test_reports_are_left_out_when_their_pool_is_gone(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    _report(world, alpha, agent_id, {A: 0.1, B: 0.2})
    world.write("DELETE FROM spot_pools WHERE zone = 'us-east-1a'")

    assert _unfold(world) == 1

    assert _current(world) == {"us-east-1b": Decimal("0.2")}
    assert _count(world, "pending_price_reports") == 0


def test_reports_are_left_out_when_their_client_is_gone(world: World, alpha: Tenant, beta: Tenant):
    for tenant in (alpha, beta):
        _report(world, tenant, _agent(tenant), {A: 0.1}, on_demand_price=0.3)
    world.write("DELETE FROM clients WHERE id = %(id)s", id=alpha.client_id)

    assert _unfold(world) == 2

    owners = {row["client_id"] for row in world.rows("SELECT client_id FROM spot_price_snapshots")}
    assert owners == {beta.client_id}


def test_price_is_written_by_the_next_report_when_the_write_failed(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    stranger = {"instance_id": "i-0zzz"}
    _report(world, alpha, agent_id, {A: 0.1})
    world.write("DELETE FROM pool_prices")
    world.clock.advance(timedelta(minutes=2))
    pool = {"spot_pools": [{"pool_id": A, "price": 0.2}]}

    answer = alpha.post(
        f"agents/{agent_id}/pricing-report",
        {"instance": {**stranger, "instance_type": "m5.large"}, "pricing": pool},
    )
    assert answer.status_code == 404
    _report(world, alpha, agent_id, {A: 0.2})

    assert _current(world) == {"us-east-1a": Decimal("0.2")}


def test_job_makes_a_clean_point_of_a_pending_report(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    _report(world, alpha, agent_id, {A: 0.1, B: 0.2})
    world.clock.advance(SECOND)

    assert PriceQuality(world.database).deduplicate(now=world.clock.now()) == 2

    assert _count(world, "pricing_snapshots_clean") == 2
