"""Spot pools and what they cost now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


@dataclass(frozen=True, slots=True)
class PoolKey:
    """What identifies a pool.

    ``owner`` is "" for a pool that is known by its AZ id (the same zone for every account), else
    the client whose AZ name ``zone`` is: names mean different zones in different accounts.
    """

    owner: str
    region: str
    zone: str
    instance_type: str


def ensure_pools(session: Session, keys: Sequence[PoolKey], now: datetime) -> dict[PoolKey, int]:
    """Return the ids of pools, creating those that do not exist. Idempotent."""
    ordered = sorted(set(keys), key=lambda k: (k.owner, k.region, k.zone, k.instance_type))
    text = orjson.dumps(
        [
            {"owner": k.owner, "region": k.region, "zone": k.zone, "type": k.instance_type}
            for k in ordered
        ]
    ).decode()
    session.run(_SQL["insert_pools"], {"pools": text, "now": now})
    rows = session.rows(_SQL["find_pools"], {"pools": text})
    return {
        PoolKey(r["owner"], r["region"], r["zone"], r["instance_type"]): int(r["id"]) for r in rows
    }


def list_fresh_prices(
    session: Session, *, client_id: str, region: str, instance_type: str, since: datetime
) -> list[Row]:
    """Return a client's current prices of one type in one region, cheapest first."""
    return session.rows(
        _SQL["list_fresh_prices"],
        {
            "client_id": client_id,
            "region": region,
            "instance_type": instance_type,
            "since": since,
        },
    )
