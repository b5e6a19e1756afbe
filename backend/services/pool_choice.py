"""Reads what a client knows of pools, and ranks them."""

from datetime import datetime, timedelta

from backend.db.database import Database
from backend.db.session import Row, Session
from backend.repositories import cooldowns, pool_reliability
from backend.sef.pools import PRICE_FRESH, CooldownReason, Need, PoolOption, Ranking, rank_pools
from backend.sef.risk import PoolFacts, risk_of


class PoolChoice:
    """Chooses pools for replacements, and keeps the troubles that speak against them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rank(self, client_id: str, need: Need, *, now: datetime) -> Ranking:
        """Order the pools that qualify, on-demand last. Reads only."""
        return self._database.run("rank_pools", lambda s: rank_for(s, client_id, need, now=now))

    def refresh(self, *, now: datetime) -> int:
        """Refresh reliability and risk of the pools in use; return how many. Idempotent."""
        return self._database.run(
            "refresh_pool_reliability",
            lambda s: pool_reliability.refresh_pool_reliability(s, now=now),
        )


def rank_for(session: Session, client_id: str, need: Need, *, now: datetime) -> Ranking:
    """Order the pools that qualify for a client, within the caller's session."""
    rows = pool_reliability.list_pool_options(
        session,
        client_id=client_id,
        region=need.region,
        instance_types=need.instance_types,
    )
    cooling = cooldowns.list_cooling_pools(session, client_id, now) if rows else {}
    options: dict[str, PoolOption] = {}
    for row in rows:  # last reported first: of two pools of one name that one counts
        option = _option(row, need, cooling.get(row["pool_number"]), now)
        options.setdefault(option.name, option)
    return rank_pools(list(options.values()), need, now=now)


def record_trouble(
    session: Session,
    *,
    client_id: str,
    instance_type: str,
    az: str,
    reason: CooldownReason,
    source_key: str,
    occurred_at: datetime,
) -> bool:
    """Keep a pool's trouble and let the pool rest; False if nobody ever reported that pool.

    Belongs into the transaction that records the event. Idempotent by ``source_key``.
    """
    pool_id = cooldowns.find_pool(session, client_id, instance_type=instance_type, az=az)
    if pool_id is None:
        return False
    cooldowns.record_trouble(
        session,
        client_id=client_id,
        pool_id=pool_id,
        reason=reason,
        source_key=source_key,
        occurred_at=occurred_at,
        ends_at=occurred_at + reason.duration,
    )
    return True


def _option(row: Row, need: Need, cooling_until: datetime | None, now: datetime) -> PoolOption:
    price, price_at = row["price_usd_per_hour"], row["observed_at"]
    agreed_at = row["agreed_at"]
    # A client's own report comes first; what others agree on fills in where that is old.
    if now - price_at > PRICE_FRESH and agreed_at is not None and agreed_at > price_at:
        price, price_at = row["agreed_price_usd_per_hour"], agreed_at
    last_loss_at = row["last_loss_at"]
    volatility = row["volatility_ratio"]
    facts = PoolFacts(
        age=None if last_loss_at is None else max(now - last_loss_at, timedelta(0)),
        decayed_losses=float(row["decayed_loss_count"] or 0),
        decayed_capacity_errors=float(row["decayed_capacity_error_count"] or 0),
        price_ratio=float(price / need.ondemand_price) if need.ondemand_price else None,
        volatility=None if volatility is None else float(volatility),
    )
    return PoolOption(
        pool_number=row["pool_number"],
        region=row["region"],
        instance_type=row["instance_type"],
        az=row["az"],
        price=price,
        price_at=price_at,
        risk=risk_of(facts),
        cooling_until=cooling_until,
    )
