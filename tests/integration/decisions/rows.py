"""A fleet in the database: one client, six pools of m5.large, agents where the test wants them."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from backend.engines.host import EngineHost
from backend.services.decisions import Decisions
from tests.fakes.clock import START
from tests.integration.jobs.rows import insert, make_agent, make_client, query

PRICES = {"a": "0.090", "b": "0.040", "c": "0.045", "d": "0.050"}  # on-demand costs 0.1
DAY = timedelta(days=1)


def make_decisions(database, clock, engine: str | None = None) -> Decisions:
    """The service, with the rules or with an engine of the tests."""
    host = EngineHost(
        clock, models_dir=Path("models"), is_enabled=engine is not None, base_timeout_seconds=1.0
    )
    if engine:
        host.use(engine)
    return Decisions(database, clock, host)


def make_market(database, *, at=START, ondemand: str | None = "0.1") -> str:
    """A client that knows the pools of PRICES; return its id."""
    client = make_client(database)
    for number, (zone, price) in enumerate(PRICES.items(), 1):
        insert(
            database,
            "spot_pools",
            id=number,
            region="eu-west-1",
            zone=f"euw1-az{number}",
            instance_type="m5.large",
            created_at=at,
        )
        insert(
            database,
            "pool_prices",
            client_id=client,
            pool_id=number,
            az=f"eu-west-1{zone}",
            price_usd_per_hour=Decimal(price),
            observed_at=at,
            reported_at=at,
        )
    if ondemand:
        insert(
            database,
            "ondemand_price_snapshots",
            client_id=client,
            region="eu-west-1",
            instance_type="m5.large",
            bucket_at=at,
            price_usd_per_hour=Decimal(ondemand),
            source="agent",
            observed_at=at,
            agent_id="agent",
        )
    return client


def make_fleet(database, client: str, count: int = 1, *, zone="a", mode="spot", **config):
    """Agents whose primaries stand in a zone for a day; return their ids."""
    agents = []
    for _ in range(count):
        agent = make_agent(database, client, role_changed_at=START - DAY)
        query(
            database,
            "UPDATE instances SET az = %(az)s, mode = %(mode)s, protocol = 5 WHERE agent_id = %(id)s",
            az=f"eu-west-1{zone}",
            mode=mode,
            id=agent,
        )
        insert(database, "agent_configs", agent_id=agent, updated_at=START, **config)
        agents.append(agent)
    return agents


def logged(database, agent: str):
    """The decisions about an agent, oldest first."""
    return query(
        database,
        "SELECT * FROM decision_engine_log WHERE agent_id = %(a)s ORDER BY created_at, id",
        a=agent,
    )


def scores(database, agent: str):
    return query(
        database, "SELECT * FROM risk_scores WHERE agent_id = %(a)s ORDER BY created_at", a=agent
    )


def commands(database, agent: str):
    return query(database, "SELECT * FROM commands WHERE agent_id = %(a)s", a=agent)


def switches(database, agent: str):
    return query(database, "SELECT * FROM switches WHERE agent_id = %(a)s", a=agent)
