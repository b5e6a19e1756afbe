"""What a client has saved: routes 41 and 42, and the ledger as a file."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from flask import Response, jsonify
from pydantic import Field

from backend.api.blueprints import guarded_blueprint
from backend.api.client.views import ClientPath, ExportQuery
from backend.api.context import container
from backend.api.csv_answers import csv_answer
from backend.api.guards import CLIENT_USER_OR_VIEWER
from backend.api.pages import TOTAL_HEADER, Shape, ShapedQuery, shape_of, visible_client
from backend.api.wording import known
from backend.services.savings import dollars
from backend.services.savings_overview import Period, PeriodFigures, figures_of

routes = guarded_blueprint(
    "client_savings", guard=CLIENT_USER_OR_VIEWER, url_prefix="/api/client", tag="dashboards"
)

MILLISECONDS_PER_HOUR = 3_600_000
PERIODS: Mapping[str, Period] = {"monthly": "monthly", "weekly": "weekly", "daily": "daily"}
# Names of months are words of the contract: they must not depend on the host's language.
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
DAY_COLUMNS = (
    "date",
    "savings",
    "onDemandCost",
    "modelCost",
    "replicaCost",
    "overlapCost",
    "spotHours",
    "onDemandHours",
    "estimatedHours",
    "unknownHours",
)
ROW_COLUMNS = (
    "agentId",
    "instanceId",
    "startsAt",
    "endsAt",
    "role",
    "mode",
    "poolId",
    "price",
    "onDemandPrice",
    "isFree",
    "isEstimated",
    "correctedAt",
    "onDemandCost",
    "cost",
)


class SavingsQuery(ShapedQuery):
    """GET /api/client/{client_id}/savings."""

    range: str = Field("monthly", max_length=32)


class SavingsExportQuery(ExportQuery):
    """GET /api/client/{client_id}/export/savings."""

    detail: Literal["days", "rows"] = "days"
    days: int = Field(31, ge=1, le=366)


@routes.get("/<client_id>/savings", summary="What a client has saved, month by month")
def show_savings(path: ClientPath, query: SavingsQuery) -> Response | dict[str, Any]:
    """Answer the last 12 months or weeks, or 30 days, oldest first; nothing for another range."""
    client_id = visible_client(path.client_id)
    periods = periods_of(client_id, query.range)
    if shape_of(query) is Shape.CAMEL:
        return jsonify(periods)
    saved = container().operating.client_overview.saved(client_id)
    return {"total_savings": saved.total, "monthly_savings": periods}


@routes.get("/<client_id>/stats/charts", summary="What a client's overview draws")
def show_charts(path: ClientPath) -> dict[str, Any]:
    """Answer months of savings, running instances by mode, and switches of the last 30 days."""
    charts = container().operating.savings_overview.charts(visible_client(path.client_id))
    return {
        "savingsTrend": [
            {
                "month": _name("monthly", month),
                "savings": dollars(month.figures.savings_usd),
                "baseline": dollars(month.figures.baseline_usd),
                "actual": dollars(month.figures.cost_usd),
            }
            for month in charts.months
        ],
        "modeDistribution": [{"mode": mode, "count": count} for mode, count in charts.modes],
        "switchFrequency": [
            {"date": day.isoformat(), "switches": count} for day, count in charts.switches
        ],
    }


@routes.get("/<client_id>/export/savings", summary="What a client has saved, as a file")
def export_savings(path: ClientPath, query: SavingsExportQuery) -> Response | dict[str, Any]:
    """Answer a line for each day, the newest first, as CSV or JSON; at most 10,000 a call.

    With ``detail=rows`` it is a line for each row of the ledger of the last ``days``.
    """
    client_id = visible_client(path.client_id)
    savings = container().operating.savings_overview
    columns: Sequence[str] = ROW_COLUMNS if query.detail == "rows" else DAY_COLUMNS
    if query.detail == "days":
        rows, total = savings.export_days(client_id, limit=query.limit, offset=query.offset)
        lines = [_day(row) for row in rows]
    else:
        rows, total = savings.export_rows(
            client_id, days=query.days, limit=query.limit, offset=query.offset
        )
        lines = [_row(row) for row in rows]
    if query.format == "json":
        return {"clientId": client_id, "savings": lines, "total": total}
    answer = csv_answer(f"savings-{query.detail}.csv", columns, lines)
    answer.headers[TOTAL_HEADER] = str(total)
    return answer


def periods_of(client_id: str | None, period: str) -> list[dict[str, Any]]:
    """Return periods as dashboards read them, oldest first; none for a period that is not known."""
    if period not in PERIODS:
        return []
    asked = PERIODS[period]
    return [
        {
            "name": _name(asked, each),
            "startsOn": each.begins_on.isoformat(),
            "savings": dollars(each.figures.savings_usd),
            "onDemandCost": dollars(each.figures.baseline_usd),
            "modelCost": dollars(each.figures.cost_usd),
        }
        for each in container().operating.savings_overview.periods(client_id, asked)
    ]


def _name(period: Period, each: PeriodFigures) -> str:
    return MONTHS[each.begins_on.month - 1] if period == "monthly" else each.begins_on.isoformat()


def _day(row: Mapping[str, Any]) -> dict[str, Any]:
    figures = figures_of(row)
    return {
        "date": row["begins_on"].isoformat(),
        "savings": float(figures.savings_usd),
        "onDemandCost": float(figures.baseline_usd),
        "modelCost": float(figures.cost_usd),
        "replicaCost": float(figures.replica_usd),
        "overlapCost": float(figures.overlap_usd),
        "spotHours": _hours(figures.spot_milliseconds),
        "onDemandHours": _hours(figures.ondemand_milliseconds),
        "estimatedHours": _hours(figures.estimated_milliseconds),
        "unknownHours": _hours(figures.unknown_milliseconds),
    }


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "agentId": row["agent_id"],
        "instanceId": row["instance_id"],
        "startsAt": row["starts_at"],
        "endsAt": row["ends_at"],
        "role": row["role"],
        "mode": row["mode"],
        "poolId": row["pool_id"],
        "price": known(row["price_usd_per_hour"]),
        "onDemandPrice": known(row["ondemand_price_usd_per_hour"]),
        "isFree": bool(row["is_free"]),
        "isEstimated": bool(row["is_estimated"]),
        "correctedAt": row["corrected_at"],
        "onDemandCost": known(row["baseline_usd"]),
        "cost": known(row["cost_usd"]),
    }


def _hours(milliseconds: int) -> float:
    return round(milliseconds / MILLISECONDS_PER_HOUR, 4)
