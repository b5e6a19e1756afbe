"""One alarm for many agents that fall silent together, and one word when it is over."""

import logging
from collections.abc import Mapping
from datetime import datetime

from backend.db.database import Database, Transaction
from backend.repositories import runtime_settings, standbys
from backend.sef.silence import Outages

logger = logging.getLogger(__name__)

PREFIX = "outage."
FLEET = "all"
OVER = ""


class OutageAlarms:
    """Raises and clears alarms. The open ones are kept in the runtime settings. Idempotent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def update(
        self,
        outages: Outages,
        fleet: Mapping[str, int],
        values: Mapping[str, str],
        *,
        now: datetime,
    ) -> None:
        """Raise what is new and clear what is over.

        Args:
            outages: Who is silent together now.
            fleet: Watched agents by client.
            values: The runtime settings as read in this run.
            now: The present.
        """
        present = {FLEET} if outages.is_fleetwide else set(outages.clients)
        known = {
            name.removeprefix(PREFIX)
            for name, value in values.items()
            if name.startswith(PREFIX) and value != OVER
        }
        raised, cleared = sorted(present - known), sorted(known - present)
        if not raised and not cleared:
            return
        notes = [_alarm(scope, outages, fleet) for scope in raised]
        # A client's outage that grew into one of the fleet is not over.
        over = [scope for scope in cleared if not (outages.is_fleetwide and scope != FLEET)]
        notes += [_all_clear(scope) for scope in over]
        states = {PREFIX + scope: now.isoformat() for scope in raised}
        states |= {PREFIX + scope: OVER for scope in cleared}

        def work(tx: Transaction) -> None:
            runtime_settings.write_settings(tx, states, now=now)
            standbys.record_events(tx, notes, now=now)
            standbys.notify(tx, notes, now=now)
            tx.commit()

        self._database.transact("update_outage_alarms", work)
        for note in notes:
            logger.warning("%s", note["message"], extra={"action": note["event_type"]})


def _alarm(scope: str, outages: Outages, fleet: Mapping[str, int]) -> dict[str, str | None]:
    is_fleet = scope == FLEET
    silent = sum(outages.silent.values()) if is_fleet else outages.silent.get(scope, 0)
    of = sum(fleet.values()) if is_fleet else fleet.get(scope, 0)
    return {
        "event_type": "correlated_silence",
        "severity": "error",
        "client_id": None if is_fleet else scope,
        "agent_id": None,
        "instance_id": None,
        "message": (
            f"{silent} of {of} agents fell silent together: something between them and us is "
            "down. Nothing is failed over because of it"
        ),
    }


def _all_clear(scope: str) -> dict[str, str | None]:
    return {
        "event_type": "correlated_silence_over",
        "severity": "info",
        "client_id": None if scope == FLEET else scope,
        "agent_id": None,
        "instance_id": None,
        "message": "The agents that fell silent together are heard again",
    }
