"""Price reports: checked entry by entry, kept in one round trip."""

import logging
import threading
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

import orjson

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database
from backend.db.grouping import Grouping
from backend.db.session import Params
from backend.domain.modes import Mode
from backend.domain.pools import is_instance_type, is_region, pool_of, region_of
from backend.domain.prices import (
    PriceEntry,
    RefusedEntry,
    bucket_of,
    validate_entries,
    validate_observed_at,
    validate_price,
)
from backend.errors import ForeignKeyViolation, InvalidRequest, NotFound
from backend.repositories import instances, pools, price_reports
from backend.repositories.pools import PoolKey
from backend.services.due_prices import DuePrices, PriceKey

logger = logging.getLogger(__name__)

SHARED_SLOTS = 5  # raw rows per pool and bucket beyond the primary's and the replicas' own
KNOWN_POOLS = 20_000  # pool ids remembered by one process: about 5 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceReport:
    """A price report in one form, whichever layout it came in.

    Prices are JSON numbers in USD per hour or None; ``observed_at`` None means now; ``az_ids``
    maps AZ names to AZ ids where the reporter knows them.
    """

    instance_id: str
    instance_type: str
    region: str
    az: str
    mode: Mode
    ondemand_price: object
    ondemand_source: str
    spot_price: object
    entries: Sequence[object]
    observed_at: datetime | None
    az_ids: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceReceipt:
    """What became of a report: how many entries were kept, and each that was refused."""

    accepted: int
    refused: Sequence[RefusedEntry]
    is_repeat: bool


class PriceReports:
    """Keeps price reports. A report with the same instance and time is kept once."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._max_price = settings.max_price_usd_per_hour
        self._pools = KnownPools(database, clock)
        self._due = DuePrices()
        self._together: Grouping[Params] = Grouping(_not_in_a_group, self._record_group)

    def record(self, client_id: str, agent_id: str, report: PriceReport) -> PriceReceipt:
        """Keep the good entries of a report and name the bad ones.

        Raw rows and the client's current prices follow within a minute, with the next run of
        ``dedup_prices``; a current price that this process has not written for a minute is
        written at once.

        Raises:
            NotFound: the client has no such agent, or the agent no such instance.
            InvalidRequest: the time is out of range.
        """
        now = self._clock.now()
        observed_at = validate_observed_at(report.observed_at, now=now)
        entries, refused = validate_entries(
            report.entries, region=report.region, max_price=self._max_price
        )
        ondemand = self._ondemand_price(report, refused)
        spot = self._price(report.spot_price, "current_spot_price", refused)
        params = {
            "now": now,
            "client_id": client_id,
            "agent_id": agent_id,
            "instance_id": report.instance_id,
            "observed_at": observed_at,
            "bucket_at": bucket_of(observed_at),
            "shared_slot": str(zlib.crc32(report.instance_id.encode()) % SHARED_SLOTS),
            "own_slot": f"{report.instance_id}@{observed_at:%H%M%S.%f}",
            "region": report.region,
            "instance_type": report.instance_type,
            "mode": report.mode,
            "ondemand_price": ondemand,
            "ondemand_source": report.ondemand_source,
            "spot_price": spot if report.mode is Mode.SPOT else None,
            "accepted_count": len(entries),
            "refused_count": len(refused),
        }
        is_known, is_repeat = self._write(client_id, report, entries, params)
        if not is_known:
            raise NotFound("Unknown agent or instance", field="instance.instance_id")
        if refused:
            logger.warning(
                "Refused %d of %d reported prices",
                len(refused),
                len(refused) + len(entries),
                extra={
                    "action": "prices_refused",
                    "agent_id": agent_id,
                    "first_reason": refused[0].reason,
                },
            )
        return PriceReceipt(accepted=len(entries), refused=refused, is_repeat=is_repeat)

    def _ondemand_price(self, report: PriceReport, refused: list[RefusedEntry]) -> Decimal | None:
        field = "on_demand_price"
        price = self._price(report.ondemand_price, field, refused)
        if price is None or (is_instance_type(report.instance_type) and is_region(report.region)):
            return price
        # Installed agents that lost their metadata look up the price of "unknown" and make one up.
        reason = "nobody can tell of which instance type and region this is the price"
        refused.append(RefusedEntry(pool_id=field, field=field, reason=reason))
        return None

    def _price(self, value: object, field: str, refused: list[RefusedEntry]) -> Decimal | None:
        try:
            return validate_price(value, max_price=self._max_price, field=field)
        except InvalidRequest as error:
            refused.append(RefusedEntry(pool_id=field, field=field, reason=error.message))
            return None

    def _write(
        self,
        client_id: str,
        report: PriceReport,
        entries: Sequence[PriceEntry],
        params: dict[str, Any],
    ) -> tuple[bool, bool]:
        keys = [_pool_key(client_id, report, entry) for entry in entries]
        own = pool_of(report.instance_type, report.az, report.mode)
        if not self._pools.knows(keys) and not self._is_registered(params):
            return False, False  # a stranger's report makes no pools
        try:
            return self._record(entries, self._pools.ids(keys), own, params)
        except ForeignKeyViolation:
            # A pool that this process remembers is gone (its client was deleted and made anew).
            self._pools.forget(keys)
            return self._record(entries, self._pools.ids(keys), own, params)

    def _is_registered(self, params: dict[str, Any]) -> bool:
        client_id, agent_id = str(params["client_id"]), str(params["agent_id"])
        instance_id = str(params["instance_id"])
        found = self._database.run(
            "find_instance",
            lambda s: instances.find_instance(s, client_id, agent_id, instance_id),
        )
        return found is not None

    def _record(
        self,
        entries: Sequence[PriceEntry],
        pool_ids: Sequence[int],
        own: str | None,
        params: dict[str, Any],
    ) -> tuple[bool, bool]:
        # In one order for every report, so that concurrent ones cannot deadlock.
        rows = [
            {
                "p": pool_id,
                "z": entry.pool.az,
                "c": float(entry.price_usd_per_hour),
                "o": int(str(entry.pool) == own),
            }
            for pool_id, entry in sorted(zip(pool_ids, entries, strict=True), key=itemgetter(0))
        ]
        known = {**params, "entries": orjson.dumps(rows).decode()}
        due = self._due.claim(_price_keys(pool_ids, params), params["now"])
        if not due and rows and self._together.do(known):
            return True, False
        return self._record_alone(known, due)

    def _record_alone(self, params: Params, due: Sequence[PriceKey]) -> tuple[bool, bool]:
        is_kept = False
        try:
            is_known, is_repeat = self._database.run(
                "record_pricing_report",
                lambda s: price_reports.record_pricing_report(
                    s, {**params, "is_due": int(bool(due))}
                ),
            )
            is_kept = is_known and not is_repeat
        finally:
            if not is_kept:
                self._due.release(due)
        return is_known, is_repeat

    def _record_group(self, reports: Sequence[Params]) -> bool:
        now = self._clock.now()
        return self._database.run(
            "record_pricing_reports",
            lambda s: price_reports.record_pricing_reports(s, reports, now=now),
        )


def _not_in_a_group(_: Params) -> bool:
    """Say that a report without company is still to be kept."""
    return False


def _price_keys(pool_ids: Sequence[int], params: dict[str, Any]) -> list[PriceKey]:
    client_id = params["client_id"]
    keys: list[PriceKey] = [(client_id, pool_id) for pool_id in pool_ids]
    if params["ondemand_price"] is not None:
        keys.append((client_id, params["region"], params["instance_type"]))
    return keys


def _pool_key(client_id: str, report: PriceReport, entry: PriceEntry) -> PoolKey:
    az_id = report.az_ids.get(entry.pool.az)
    return PoolKey(
        owner="" if az_id else client_id,
        region=region_of(entry.pool.az) or report.region,
        zone=az_id or entry.pool.az,
        instance_type=entry.pool.instance_type,
    )


class KnownPools:
    """Pool ids that this process has met, so that a report costs one round trip. Thread-safe."""

    def __init__(self, database: Database, clock: Clock, capacity: int = KNOWN_POOLS) -> None:
        self._database = database
        self._clock = clock
        self._capacity = capacity
        self._ids: OrderedDict[PoolKey, int] = OrderedDict()
        self._lock = threading.Lock()

    def knows(self, keys: Sequence[PoolKey]) -> bool:
        """Whether ``ids`` would cost nothing."""
        return all(key in self._ids for key in keys)

    def ids(self, keys: Sequence[PoolKey]) -> list[int]:
        """Return the ids of pools, in order; unknown pools are created."""
        known = {key: self._ids.get(key) for key in keys}
        missing = [key for key, pool_id in known.items() if pool_id is None]
        if missing:
            known.update(self._learn(missing))
        return [pool_id for key in keys if (pool_id := known[key]) is not None]

    def forget(self, keys: Sequence[PoolKey]) -> None:
        """Drop ids that turned out to be stale."""
        with self._lock:
            for key in keys:
                self._ids.pop(key, None)

    def _learn(self, keys: Sequence[PoolKey]) -> dict[PoolKey, int]:
        now = self._clock.now()
        found = self._database.run("ensure_pools", lambda s: pools.ensure_pools(s, keys, now))
        with self._lock:
            self._ids.update(found)
            while len(self._ids) > self._capacity:
                self._ids.popitem(last=False)
        return found
