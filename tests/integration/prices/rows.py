"""A market in the database: clients, pools, and reports of their prices."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import orjson

from backend.db.database import Database
from backend.domain.prices import BUCKET, PriceSource
from backend.sef.quality import CleanPoint, CleanSource, Fill, FillMethod, Point, RawPrice
from tests.fakes.clock import START
from tests.integration.jobs.rows import insert, query

REGION, TYPE = "eu-west-1", "m5.large"
FIRST = START  # the first bucket of price time in these tests
SHARED, OTHER_SHARED, PRIVATE = 1, 2, 3  # pools; the last belongs to client "a"
CLIENTS = ("a", "b", "c", "d")


def make_market(database: Database) -> None:
    """Four clients that know two shared pools; client "a" has one of its own besides."""
    for client in CLIENTS:
        insert(database, "clients", id=client, name=client, created_at=START, updated_at=START)
    for pool, owner in ((SHARED, None), (OTHER_SHARED, None), (PRIVATE, "a")):
        insert(
            database,
            "spot_pools",
            id=pool,
            client_id=owner,
            region=REGION,
            zone=f"euw1-az{pool}",
            instance_type=TYPE,
            created_at=START,
        )
        for client in CLIENTS if owner is None else (owner,):
            know_pool(database, client, pool)


def know_pool(database: Database, client: str, pool: int, *, at: datetime = START, **over) -> None:
    """Let a client have heard of a pool."""
    values = {
        "client_id": client,
        "pool_id": pool,
        "az": f"eu-west-1{'_abc'[pool]}",
        "price_usd_per_hour": Decimal("0.04"),
        "observed_at": at,
        "reported_at": at,
    }
    insert(database, "pool_prices", **(values | over))


def bucket(number: int) -> datetime:
    """The start of the n-th bucket."""
    return FIRST + BUCKET * number


def raw(
    client: str,
    number: int,
    price: str | Decimal,
    *,
    pool: int = SHARED,
    source: PriceSource = PriceSource.PRIMARY,
) -> RawPrice:
    """One report."""
    return RawPrice(
        client_id=client,
        pool_id=pool,
        bucket_at=bucket(number),
        price=Decimal(price),
        source=source,
    )


def report(database: Database, raws: Iterable[RawPrice], *, at: datetime, slot: str = "") -> None:
    """Write reports as they are received at an instant, in one statement."""
    rows = [
        {
            "client": raw.client_id,
            "pool": raw.pool_id,
            "bucket": f"{raw.bucket_at:%Y-%m-%d %H:%M:%S}",
            "slot": f"{slot}{at:%H%M%S.%f}-{number}",
            "price": str(raw.price),
            "source": raw.source.value,
            "count": raw.report_count,
        }
        for number, raw in enumerate(raws)
    ]
    query(
        database,
        "INSERT INTO spot_price_snapshots (client_id, pool_id, bucket_at, reporter_slot,"
        " price_usd_per_hour, observed_at, received_at, agent_id, instance_id, source,"
        " report_count) SELECT r.client, r.pool, r.bucket, r.slot, r.price, r.bucket, %(at)s,"
        " 'agent', 'i-1', r.source, r.report_count FROM JSON_TABLE(%(rows)s, '$[*]' COLUMNS ("
        " client VARCHAR(36) PATH '$.client', pool BIGINT PATH '$.pool',"
        " bucket DATETIME(3) PATH '$.bucket', slot VARCHAR(100) PATH '$.slot',"
        " price DECIMAL(12, 6) PATH '$.price', source VARCHAR(16) PATH '$.source',"
        " report_count INT PATH '$.count')) AS r",
        rows=orjson.dumps(rows).decode(),
        at=at,
    )


def clean_points(database: Database, *, valid_only: bool = True) -> set[CleanPoint]:
    """Every clean point; of agreements only those that stand."""
    rows = query(
        database,
        "SELECT client_id, pool_id, bucket_at, price_usd_per_hour AS price, source, sample_count,"
        " report_count, spread_usd_per_hour AS spread, is_discrepant FROM pricing_snapshots_clean",
    )
    return {
        CleanPoint(
            **{
                **row,
                "source": CleanSource(row["source"]),
                "is_discrepant": bool(row["is_discrepant"]),
            }
        )
        for row in rows
        if not (valid_only and row["client_id"] is None and row["is_discrepant"])
    }


def fills(database: Database) -> dict[tuple[str, int], list[Fill]]:
    """Every fill, by client and pool, ascending."""
    found: dict[tuple[str, int], list[Fill]] = {}
    for row in query(
        database,
        "SELECT client_id, pool_id, bucket_at, price_usd_per_hour, method, before_at,"
        " before_price_usd_per_hour, after_at, after_price_usd_per_hour"
        " FROM pricing_snapshots_interpolated ORDER BY client_id ASC, pool_id ASC, bucket_at ASC",
    ):
        after = row["after_at"] and Point(row["after_at"], row["after_price_usd_per_hour"])
        fill = Fill(
            at=row["bucket_at"],
            price=row["price_usd_per_hour"],
            method=FillMethod(row["method"]),
            before=Point(row["before_at"], row["before_price_usd_per_hour"]),
            after=after,
        )
        found.setdefault((row["client_id"], row["pool_id"]), []).append(fill)
    return found


def open_gaps(database: Database) -> set[tuple[str, int, datetime, datetime]]:
    """Gaps that are neither closed nor given up."""
    rows = query(
        database,
        "SELECT client_id, pool_id, last_point_at, next_point_at FROM pricing_data_gaps"
        " WHERE status IN ('open', 'asked')",
    )
    return {
        (row["client_id"], row["pool_id"], row["last_point_at"], row["next_point_at"])
        for row in rows
    }


MINUTE = timedelta(minutes=1)
