"""Charts as the browser draws them."""

from datetime import datetime
from typing import Any

from backend.services.price_charts import AgentPrices


def chart_of(prices: AgentPrices) -> dict[str, Any]:
    """Return the lines with their marks; times are UNIX seconds, prices USD per hour."""
    return {
        "times": prices.times,
        "pools": [
            {
                "name": name,
                "prices": line.prices,
                "filled": line.filled,
                "discrepant": line.discrepant,
            }
            for name, line in prices.pools
        ],
        "ondemand": None if prices.ondemand_price is None else float(prices.ondemand_price),
        "switches": [
            {
                "at": _seconds(row["cut_over_at"] or row["requested_at"]),
                "text": f"{row['cause']}: {row['new_pool_id'] or row['new_mode'] or 'unknown'}",
                "failed": row["status"] == "failed",
            }
            for row in prices.switches
        ],
        "interruptions": [
            {"at": _seconds(row["noticed_at"]), "text": row["signal_type"]}
            for row in prices.interruptions
            if not row["is_drill"]
        ],
    }


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
