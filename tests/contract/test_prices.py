"""Prices at the door: what is kept, what is refused and how that is said."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from backend.services.price_quality import PriceQuality
from tests.contract.orders import native, registered, registration
from tests.contract.serving import Tenant, World, blamed, in_parallel

A = "m5.large.us-east-1a"
B = "m5.large.us-east-1b"


def _agent(tenant: Tenant, instance_id: str = "i-0aaa", **facts: Any) -> str:
    body = registration(instance_id, logical_agent_id=f"web-{instance_id}", **facts)
    return tenant.post("agents/register", body).json()["agent_id"]


def _body(
    pools: Any,
    *,
    at: datetime | None = None,
    instance: dict[str, Any] | None = None,
    **pricing: Any,
) -> dict[str, Any]:
    listed = (
        [{"pool_id": name, "price": price} for name, price in pools.items()]
        if isinstance(pools, dict)
        else pools
    )
    return {
        "instance": {
            "instance_id": "i-0aaa",
            "instance_type": "m5.large",
            "region": "us-east-1",
            "az": "us-east-1a",
            "mode": "spot",
            **(instance or {}),
        },
        "pricing": {
            "spot_pools": listed,
            "collected_at": at.isoformat() if at else None,
            **pricing,
        },
    }


def _send(tenant: Tenant, agent_id: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = tenant.post(f"agents/{agent_id}/pricing-report", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _current(world: World, tenant: Tenant) -> dict[str, Decimal]:
    rows = world.rows(
        "SELECT s.instance_type, p.az, p.price_usd_per_hour FROM pool_prices AS p"
        " INNER JOIN spot_pools AS s ON s.id = p.pool_id WHERE p.client_id = %(c)s",
        c=tenant.client_id,
    )
    return {f"{r['instance_type']}.{r['az']}": r["price_usd_per_hour"] for r in rows}


def _minute_passes(world: World) -> int:
    """What dedup_prices does with the reports that came in; how many there were."""
    return PriceQuality(world.database).unfold_reports()


def _raw(world: World) -> list[dict[str, Any]]:
    _minute_passes(world)
    return world.rows(
        "SELECT r.*, s.zone FROM spot_price_snapshots AS r"
        " INNER JOIN spot_pools AS s ON s.id = r.pool_id ORDER BY r.id"
    )


@pytest.mark.parametrize(
    ("entry", "name", "field"),
    [
        ({"pool_id": B, "price": -0.1}, B, "price"),
        ({"pool_id": B, "price": 0}, B, "price"),
        ({"pool_id": B, "price": 100.01}, B, "price"),
        ({"pool_id": B, "price": 1e-9}, B, "price"),
        ({"pool_id": B, "price": "0.1"}, B, "price"),
        ({"pool_id": B, "price": None}, B, "price"),
        ({"pool_id": B, "price": True}, B, "price"),
        ({"pool_id": B, "price": [0.1]}, B, "price"),
        ({"pool_id": B, "price": 10**40}, B, "price"),
        ({"pool_id": B}, B, "price"),
        ({"pool_id": "m5.large", "price": 0.1}, "m5.large", "pool_id"),
        ({"pool_id": "m5.large.eu-west-1a", "price": 0.1}, "m5.large.eu-west-1a", "pool_id"),
        ({"pool_id": "m5.large.us-east-1b\n", "price": 0.1}, "m5.large.us-east-1b\n", "pool_id"),
        ({"pool_id": "unknown.us-east-1b", "price": 0.1}, "unknown.us-east-1b", "pool_id"),
        ({"pool_id": B, "az": "us-east-1c", "price": 0.1}, B, "az"),
        ({"pool_id": B, "instance_type": "c5.large", "price": 0.1}, B, "instance_type"),
        ({"pool_id": None, "price": 0.1}, "spot_pools[1]", "pool_id"),
        ({"price": 0.1}, "spot_pools[1]", "pool_id"),
        ("m5.large.us-east-1b", "spot_pools[1]", "pool_id"),
        ([], "spot_pools[1]", "pool_id"),
        (None, "spot_pools[1]", "pool_id"),
        ({"pool_id": A, "price": 0.2}, A, "pool_id"),
    ],
)
def test_a_bad_entry_is_refused_by_name_and_the_good_ones_are_kept(
    world: World, alpha: Tenant, entry: Any, name: str, field: str
):
    agent_id = _agent(alpha)

    answer = _send(alpha, agent_id, _body([{"pool_id": A, "price": 0.1}, entry]))

    assert answer["accepted"] == 1
    (refused,) = answer["refused"]
    assert (refused["pool_id"], refused["field"]) == (name, field)
    assert refused["reason"]
    assert _current(world, alpha) == {A: Decimal("0.100000")}
    report = world.row("SELECT * FROM pricing_reports")
    assert (report["accepted_count"], report["refused_count"]) == (1, 1)


@pytest.mark.parametrize("field", ["on_demand_price", "current_spot_price"])
@pytest.mark.parametrize("price", [-1, 101, "0.1", [0.1], {"price": 0.1}, True])
def test_a_bad_price_of_the_instance_is_refused_by_name(
    world: World, alpha: Tenant, field: str, price: Any
):
    agent_id = _agent(alpha)

    answer = _send(alpha, agent_id, _body({A: 0.1}, **{field: price}))

    assert [entry["field"] for entry in answer["refused"]] == [field]
    instance = world.instance(agent_id, "i-0aaa")
    assert instance["ondemand_price_usd_per_hour"] is None
    assert instance["spot_price_usd_per_hour"] is None


@pytest.mark.parametrize("offset", [timedelta(hours=-25), timedelta(minutes=3)])
def test_a_time_out_of_range_is_refused_with_the_range(
    world: World, alpha: Tenant, offset: timedelta
):
    agent_id = _agent(alpha)
    before = world.fingerprint()

    answer = alpha.post(
        f"agents/{agent_id}/pricing-report", _body({A: 0.1}, at=world.clock.now() + offset)
    )

    assert (answer.status_code, blamed(answer)) == (400, {"collected_at"})
    assert answer.json()["details"]["earliest"] == "2026-03-01T12:00:00+00:00"
    assert answer.json()["details"]["latest"] == "2026-03-02T12:02:00+00:00"
    assert world.fingerprint() == before


@pytest.mark.parametrize("offset", [timedelta(hours=-23), timedelta(minutes=1)])
def test_a_report_from_a_queue_or_a_fast_clock_is_kept(
    world: World, alpha: Tenant, offset: timedelta
):
    agent_id = _agent(alpha)
    at = world.clock.now() + offset

    assert _send(alpha, agent_id, _body({A: 0.1}, at=at))["accepted"] == 1

    assert world.row("SELECT observed_at FROM pool_prices")["observed_at"] == at


def test_absent_prices_never_overwrite_known_ones(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    _send(alpha, agent_id, _body({A: 0.1}, on_demand_price=0.3, current_spot_price=0.1))
    world.clock.advance(timedelta(minutes=5))

    for nothing in ({}, {"on_demand_price": None, "current_spot_price": None}):
        _send(alpha, agent_id, _body({}, **nothing))
        world.clock.advance(timedelta(minutes=5))

    instance = world.instance(agent_id, "i-0aaa")
    assert instance["ondemand_price_usd_per_hour"] == Decimal("0.300000")
    assert instance["spot_price_usd_per_hour"] == Decimal("0.100000")
    assert _current(world, alpha) == {A: Decimal("0.100000")}


@pytest.mark.parametrize("unknown", [None, 0, 0.0])
def test_an_unknown_on_demand_price_stays_unknown(world: World, alpha: Tenant, unknown: Any):
    agent_id = _agent(alpha)

    assert _send(alpha, agent_id, _body({A: 0.1}, on_demand_price=unknown))["refused"] == []

    assert world.instance(agent_id, "i-0aaa")["ondemand_price_usd_per_hour"] is None
    _minute_passes(world)
    assert world.rows("SELECT * FROM ondemand_price_snapshots") == []


@pytest.mark.parametrize("lost", [{"instance_type": "unknown"}, {"region": "unknown"}])
def test_an_on_demand_price_of_nobody_knows_what_is_refused(
    world: World, alpha: Tenant, lost: dict[str, str]
):
    agent_id = _agent(alpha)

    answer = _send(alpha, agent_id, _body({A: 0.1}, on_demand_price=0.1, instance=lost))

    assert [entry["field"] for entry in answer["refused"]] == ["on_demand_price"]
    assert world.instance(agent_id, "i-0aaa")["ondemand_price_usd_per_hour"] is None
    _minute_passes(world)
    assert world.rows("SELECT * FROM ondemand_price_snapshots") == []


def test_a_pool_of_an_agent_that_lost_its_region_is_the_same_pool(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    _send(alpha, agent_id, _body({A: 0.1}))
    world.clock.advance(timedelta(minutes=5))

    _send(alpha, agent_id, _body({A: 0.2}, instance={"region": "unknown"}))

    assert world.row("SELECT region FROM spot_pools")["region"] == "us-east-1"
    assert _current(world, alpha) == {A: Decimal("0.200000")}


def test_a_replayed_report_is_kept_once(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    body = _body({A: 0.1, B: 0.2}, at=world.clock.now(), on_demand_price=0.3)
    first = _send(alpha, agent_id, body)
    before = world.fingerprint()
    world.clock.advance(timedelta(seconds=30))

    again = [_send(alpha, agent_id, body) for _ in range(3)]

    assert first["repeated"] is False
    assert [answer["repeated"] for answer in again] == [True] * 3
    assert world.fingerprint() == before


def test_a_report_that_is_replayed_at_once_is_kept_once(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    body = _body({A: 0.1, B: 0.2}, at=world.clock.now())

    answers = in_parallel(10, lambda _n: _send(alpha, agent_id, body))

    assert [answer["repeated"] for answer in answers].count(False) == 1
    assert [row["report_count"] for row in _raw(world)] == [1, 1]


def test_the_volume_is_five_shared_rows_and_the_own_ones(world: World, alpha: Tenant):
    agents = {f"i-{n:04}": _agent(alpha, f"i-{n:04}", az="us-east-1b") for n in range(12)}
    agents["i-0aaa"] = _agent(alpha)

    for instance_id, agent_id in agents.items():
        az = "us-east-1a" if instance_id == "i-0aaa" else "us-east-1b"
        for step in range(3):
            at = world.clock.now() + timedelta(seconds=step)
            instance = {"instance_id": instance_id, "az": az}
            _send(alpha, agent_id, _body({A: 0.1}, at=at, instance=instance))

    rows = _raw(world)
    own = [row for row in rows if row["source"] == "primary"]
    shared = [row for row in rows if row["source"] == "other"]
    assert len(own) == 3
    assert len(shared) <= 5
    assert len({row["reporter_slot"] for row in shared}) == len(shared)
    assert sum(row["report_count"] for row in rows) == 13 * 3


def test_a_new_bucket_has_new_slots(world: World, alpha: Tenant):
    agent_id = _agent(alpha, az="us-east-1b")
    for _ in range(3):
        _send(alpha, agent_id, _body({A: 0.1}, instance={"az": "us-east-1b"}))
        world.clock.advance(timedelta(minutes=5))

    buckets = [row["bucket_at"] for row in _raw(world)]
    start = world.clock.now() - timedelta(minutes=15)
    assert buckets == [start, start + timedelta(minutes=5), start + timedelta(minutes=10)]


def test_every_raw_row_tells_where_it_comes_from(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    at = world.clock.now() - timedelta(minutes=7)

    _send(alpha, agent_id, _body({A: 0.1, B: 0.2}, at=at))

    own, other = _raw(world)
    assert (own["source"], own["zone"]) == ("primary", "us-east-1a")
    assert (other["source"], other["zone"]) == ("other", "us-east-1b")
    for row in (own, other):
        assert (row["client_id"], row["agent_id"]) == (alpha.client_id, agent_id)
        assert (row["instance_id"], row["observed_at"]) == ("i-0aaa", at)
        assert row["received_at"] == world.clock.now()
        assert row["bucket_at"] == world.clock.now() - timedelta(minutes=10)


def test_a_candidates_own_pool_is_no_better_than_any_other(world: World):
    primary = registered(world)
    registered(world, "i-0bbb", az="us-east-1b")

    _send(
        world.alpha,
        primary.agent_id,
        _body({B: 0.2}, instance={"instance_id": "i-0bbb", "az": "us-east-1b"}),
    )

    assert [row["source"] for row in _raw(world)] == ["other"]


def test_an_older_report_that_comes_later_changes_no_current_price(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    now = world.clock.now()
    newer = {A: 0.1, B: 0.2}
    _send(alpha, agent_id, _body(newer, at=now, on_demand_price=0.3, current_spot_price=0.1))

    older = {A: 0.5, "m5.large.us-east-1c": 0.6}
    at = now - timedelta(minutes=1)
    _send(alpha, agent_id, _body(older, at=at, on_demand_price=0.7, current_spot_price=0.5))

    assert _current(world, alpha) == {
        A: Decimal("0.100000"),
        B: Decimal("0.200000"),
        "m5.large.us-east-1c": Decimal("0.600000"),
    }
    instance = world.instance(agent_id, "i-0aaa")
    assert instance["ondemand_price_usd_per_hour"] == Decimal("0.300000")
    assert instance["spot_price_usd_per_hour"] == Decimal("0.100000")
    assert len(_raw(world)) == 4  # history is kept in any order


def test_the_on_demand_price_of_a_bucket_is_its_newest(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    now = world.clock.now() + timedelta(seconds=60)

    for seconds, price in ((0, 0.3), (30, 0.4), (10, 0.5)):
        at = now + timedelta(seconds=seconds)
        _send(alpha, agent_id, _body({}, at=at, on_demand_price=price))

    _minute_passes(world)
    row = world.row("SELECT * FROM ondemand_price_snapshots")
    assert row["price_usd_per_hour"] == Decimal("0.400000")
    assert row["observed_at"] == now + timedelta(seconds=30)


def test_a_zone_id_makes_one_pool_of_two_clients_names(world: World, alpha: Tenant, beta: Tenant):
    ours = _agent(alpha)
    theirs = _agent(beta, az="us-east-1c")
    shared = "use1-az4"

    _send(alpha, ours, _body({A: 0.1}, az_ids={"us-east-1a": shared}))
    _send(beta, theirs, _body({"m5.large.us-east-1c": 0.2}, az_ids={"us-east-1c": shared}))

    pool = world.row("SELECT * FROM spot_pools")
    assert (pool["client_id"], pool["zone"], pool["region"]) == (None, shared, "us-east-1")
    assert _current(world, alpha) == {A: Decimal("0.100000")}
    assert _current(world, beta) == {"m5.large.us-east-1c": Decimal("0.200000")}


def test_without_zone_ids_each_client_has_pools_of_its_own(
    world: World, alpha: Tenant, beta: Tenant
):
    for tenant, price in ((alpha, 0.1), (beta, 0.2)):
        _send(tenant, _agent(tenant), _body({A: price}))

    owners = {row["client_id"] for row in world.rows("SELECT * FROM spot_pools")}
    assert owners == {alpha.client_id, beta.client_id}
    assert _current(world, alpha) == {A: Decimal("0.100000")}


@pytest.mark.parametrize(
    "zone_id", ["use1-az4 ", " ", "x", "USE1-AZ4", "use1-az4\u0000", "üse1-az4"]
)
def test_an_impossible_zone_id_is_refused(world: World, alpha: Tenant, zone_id: str):
    agent_id = _agent(alpha)
    _send(alpha, agent_id, _body({A: 0.1}, az_ids={"us-east-1a": "use1-az4"}))
    world.clock.advance(timedelta(minutes=5))
    before = world.fingerprint()

    answer = alpha.post(
        f"agents/{agent_id}/pricing-report", _body({A: 0.1}, az_ids={"us-east-1a": zone_id})
    )

    assert answer.status_code == 400, answer.text
    assert world.fingerprint() == before


def test_two_names_of_one_zone_id_are_one_pool(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    zones = {"us-east-1a": "use1-az4", "us-east-1b": "use1-az4"}

    answer = _send(alpha, agent_id, _body({A: 0.1, B: 0.1}, az_ids=zones))

    assert answer["accepted"] == 2
    assert world.row("SELECT COUNT(*) AS n FROM spot_pools")["n"] == 1


def test_pools_that_this_process_remembers_may_be_gone(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    _send(alpha, agent_id, _body({A: 0.1}))
    world.write("DELETE FROM spot_pools")
    world.clock.advance(timedelta(minutes=5))

    assert _send(alpha, agent_id, _body({A: 0.2}))["accepted"] == 1

    assert _current(world, alpha) == {A: Decimal("0.200000")}


@pytest.mark.parametrize("count", [200, 201, 1000])
def test_a_report_holds_at_most_200_pools(world: World, alpha: Tenant, count: int):
    agent_id = _agent(alpha)
    pools = {f"m5.x{n}.us-east-1a": 0.1 for n in range(count)}

    answer = _send(alpha, agent_id, _body(pools))

    assert answer["accepted"] == 200
    assert len(answer["refused"]) == count - 200
    assert len(_current(world, alpha)) == 200


def test_a_report_of_1001_pools_is_refused_whole(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    before = world.fingerprint()

    answer = alpha.post(
        f"agents/{agent_id}/pricing-report", _body([{"pool_id": A, "price": 0.1}] * 1001)
    )

    assert (answer.status_code, blamed(answer)) == (400, {"pricing.spot_pools"})
    assert "1000" in answer.json()["error"]
    assert world.fingerprint() == before


def test_a_report_of_an_unknown_instance_is_not_found(world: World, alpha: Tenant):
    agent_id = _agent(alpha)
    before = world.fingerprint()

    answer = alpha.post(
        f"agents/{agent_id}/pricing-report", _body({}, instance={"instance_id": "i-0zzz"})
    )

    assert (answer.status_code, blamed(answer)) == (404, {"instance.instance_id"})
    assert world.fingerprint() == before


def test_reports_of_the_same_pools_at_once_neither_fail_nor_lose(world: World, alpha: Tenant):
    agents = [(f"i-{n:04}", _agent(alpha, f"i-{n:04}")) for n in range(12)]
    pools = [f"m5.large.us-east-1{zone}" for zone in "abcdef"]

    def work(number: int) -> int:
        instance_id, agent_id = agents[number]
        names = pools if number % 2 else list(reversed(pools))
        body = _body(dict.fromkeys(names, 0.1), instance={"instance_id": instance_id})
        return _send(alpha, agent_id, body)["accepted"]

    assert in_parallel(12, work) == [6] * 12
    assert sum(row["report_count"] for row in _raw(world)) == 72


def test_ours_and_an_installed_one_feed_the_same_client(world: World):
    agent = native(world)
    agent.report_prices({"us-east-1a": 0.1}, at=world.clock.now(), on_demand=0.3)
    other = registered(world, "i-0bbb", logical_agent_id="web-2")
    other.report_prices()

    zones = {row["zone"] for row in world.rows("SELECT zone FROM spot_pools")}
    assert {"use1-az1", "us-east-1a"} <= zones
