"""Switches for people: what was moved where, when, why, and what it saved per hour."""

from backend.db.database import Database
from backend.repositories import switch_history
from backend.repositories.switch_history import SwitchFilter
from backend.services.agent_lists import Listed


class SwitchHistory:
    """Reads switches, the youngest first. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        client_id: str | None,
        *,
        status: str | None = "completed",
        instance_id: str | None = None,
        limit: int,
        offset: int = 0,
    ) -> Listed:
        """Return a page of switches.

        Args:
            client_id: The tenant; None for every tenant (operators).
            status: A status, ``open`` for all that have not ended, None for every one.
            instance_id: Only switches from or to this instance.
            limit: The most rows to return.
            offset: How many rows to pass over.
        """
        wanted = SwitchFilter(client_id=client_id, status=status, instance_id=instance_id)
        return self._database.run(
            "list_switch_history",
            lambda s: Listed(
                switch_history.list_switches(s, wanted, limit=limit, offset=offset),
                switch_history.count_switches(s, wanted),
            ),
        )
