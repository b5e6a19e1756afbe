"""Put the settings that SQL needs where SQL can read them."""

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database
from backend.repositories import runtime_settings

OFFLINE_CONFIRM_INTERVALS = 2  # a goodbye counts once so many heartbeats have failed to follow it


def offline_confirm_seconds(settings: Settings) -> int:
    """How long an agent must keep silent after announcing that it goes offline."""
    return OFFLINE_CONFIRM_INTERVALS * settings.agent_heartbeat_interval_seconds


def publish_runtime_settings(database: Database, settings: Settings, clock: Clock) -> None:
    """Write the values that the database's events use. Idempotent."""
    values = {
        "agent_heartbeat_timeout_seconds": str(settings.agent_heartbeat_timeout_seconds),
        "agent_offline_confirm_seconds": str(offline_confirm_seconds(settings)),
    }
    database.run(
        "publish_runtime_settings",
        lambda session: runtime_settings.write_settings(session, values, now=clock.now()),
    )
