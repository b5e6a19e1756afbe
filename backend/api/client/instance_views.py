"""What dashboards read of one instance: routes 11 to 13 and 40, and its log."""

from datetime import datetime, timedelta
from typing import Any, Literal

from flask import Response, jsonify
from pydantic import Field

from backend.api.blueprints import guarded_blueprint
from backend.api.client.instances import InstancePath
from backend.api.context import container, tenant
from backend.api.guards import CLIENT_USER_OR_VIEWER
from backend.api.pages import Days90, Filter64, Query
from backend.api.shared_reads import read_together
from backend.api.wording import known, number, pool_name
from backend.services.instance_prices import PriceChart

routes = guarded_blueprint(
    "client_instance_views",
    guard=CLIENT_USER_OR_VIEWER,
    url_prefix="/api/client/instances",
    tag="dashboards",
)

HOUR = timedelta(hours=1)


class OwnerQuery(Query):
    """Whose instance; operators need it only when several clients claim the same one."""

    client_id: Filter64 = None


class HistoryQuery(OwnerQuery):
    """GET /api/client/instances/{instance_id}/price-history."""

    days: Days90 = 7
    interval: Literal["hour", "day"] = "hour"


class LogsQuery(OwnerQuery):
    """GET /api/client/instances/{instance_id}/logs."""

    limit: int = Field(50, ge=1, le=500)


@routes.get("/<instance_id>/pricing", summary="What an instance costs, and what others would")
def show_pricing(path: InstancePath, query: OwnerQuery) -> dict[str, Any]:
    """Answer pools cheapest first; those without a price of the last hour come last, with 0."""
    offers = container().operating.instance_prices.offers(_owner(query), path.instance_id)
    ondemand = number(offers.ondemand_price)
    return {
        "currentMode": offers.instance["mode"],
        "currentPool": _current_pool(offers.instance),
        "onDemand": {"name": "On-Demand", "price": ondemand},
        "pools": [_priced_pool(pool, ondemand) for pool in offers.pools],
    }


@routes.get("/<instance_id>/price-history", summary="What an instance's pools cost over time")
@read_together
def show_price_history(path: InstancePath, query: HistoryQuery) -> dict[str, Any]:
    """Answer a point for each hour or day; a pool that nobody saw then is null."""
    chart = container().operating.instance_prices.chart(
        _owner(query), path.instance_id, days=query.days, is_hourly=query.interval == "hour"
    )
    form = "%Y-%m-%d %H:00" if query.interval == "hour" else "%Y-%m-%d"
    pools = [_pool_id(pool) for pool in chart.pools]
    return {
        "data": [_point(chart, pools, at, form) for at in chart.times],
        "pools": [
            {"id": name, "name": name, "az": pool["az"], "key": f"pool_{name}"}
            for name, pool in zip(pools, chart.pools, strict=True)
        ],
        "onDemandPrice": number(chart.ondemand_price),
    }


@routes.get("/<instance_id>/available-options", summary="Where an instance could run")
def show_options(path: InstancePath, query: OwnerQuery) -> dict[str, Any]:
    """Answer pools of the same type and region, and types of the same family."""
    offers = container().operating.instance_prices.offers(_owner(query), path.instance_id)
    pools = [
        {
            "id": _pool_id(pool),
            "az": pool["az"],
            "instanceType": pool["instance_type"],
            "price": known(pool["price_usd_per_hour"]) if pool["is_fresh"] else None,
        }
        for pool in offers.pools
    ]
    return {
        "currentType": offers.instance["instance_type"],
        "currentRegion": offers.instance["region"],
        "currentAz": offers.instance["az"],
        "availablePools": pools,
        "pools": pools,
        "availableTypes": offers.types,
        "instanceTypes": offers.types,
    }


@routes.get("/<instance_id>/metrics", summary="The figures of an instance")
def show_metrics(path: InstancePath, query: OwnerQuery) -> dict[str, Any]:
    """Answer its age, its prices, and how often it was switched to."""
    figures = container().operating.instance_lists.figures(_owner(query), path.instance_id)
    row, switches = figures.instance, figures.switches
    ended = row["terminated_at"] or figures.at
    return {
        "id": row["instance_id"],
        "instanceType": row["instance_type"],
        "currentMode": row["mode"],
        "currentPoolId": pool_name(row),
        "spotPrice": number(row["spot_price_usd_per_hour"]),
        "onDemandPrice": number(row["ondemand_price_usd_per_hour"]),
        "baselineOnDemandPrice": number(row["ondemand_price_usd_per_hour"]),
        "uptimeHours": _hours(row["launched_at"] or row["first_seen_at"], ended),
        "hoursSinceLastSwitch": _hours(switches["last_at"], figures.at),
        "totalSwitches": int(switches["total"]),
        "switchesLast7Days": int(switches["last_7_days"]),
        "switchesLast30Days": int(switches["last_30_days"]),
        "savingsLast30Days": figures.saved.last_30_days,
        "totalSavings": figures.saved.total,
    }


@routes.get("/<instance_id>/logs", summary="What happened to an instance")
def list_logs(path: InstancePath, query: LogsQuery) -> Response:
    """Answer its events, newest first."""
    events = container().operating.instance_lists.events(
        _owner(query), path.instance_id, limit=query.limit
    )
    return jsonify(
        [
            {
                "id": row["id"],
                "time": row["created_at"],
                "timestamp": row["created_at"],
                "type": row["event_type"],
                "severity": row["severity"],
                "level": row["severity"],
                "message": row["message"],
            }
            for row in events
        ]
    )


def _owner(query: OwnerQuery) -> str | None:
    """Return the tenant that is looked through: a client's own, whatever it asks for."""
    return tenant() or query.client_id


def _current_pool(row: Any) -> dict[str, Any] | None:
    name = pool_name(row)
    return {"id": name, "name": name, "az": row["az"]} if name else None


def _pool_id(pool: Any) -> str:
    return f"{pool['instance_type']}.{pool['az']}"


def _priced_pool(pool: Any, ondemand: float) -> dict[str, Any]:
    price = number(pool["price_usd_per_hour"]) if pool["is_fresh"] else 0.0
    savings = (ondemand - price) / ondemand * 100 if ondemand and price else 0.0
    name = _pool_id(pool)
    return {
        "id": name,
        "name": name,
        "az": pool["az"],
        "price": price,
        "savings": round(savings, 2),
        "observedAt": pool["observed_at"],
    }


def _point(chart: PriceChart, pools: list[str], at: datetime, form: str) -> dict[str, Any]:
    spot = {
        f"pool_{name}": known(series.get(at))
        for name, series in zip(pools, chart.spot, strict=True)
    }
    return {"time": at.strftime(form), "onDemand": known(chart.ondemand.get(at)), **spot}


def _hours(began: datetime | None, ended: datetime) -> int:
    return 0 if began is None else max(int((ended - began) / HOUR), 0)
