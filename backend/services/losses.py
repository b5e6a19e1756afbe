"""Loss detection: primaries that fall silent without a notice, behind three brakes.

The watch must be armed; agents that fall silent together are an outage of something else and raise
one alarm; and nobody is replaced before somebody has looked (``findings``).
"""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.config import Settings
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.repositories import freezes, losses, runtime_settings, standbys
from backend.sef.losses import Rescuers, Response, respond
from backend.sef.policy import PROMOTABLE_HEARD
from backend.sef.silence import Outages, Silent, find_outages
from backend.services.loss_records import (
    look_command,
    loss_event,
    loss_record,
    rescuer_of,
    silent_agent,
)
from backend.services.outage_alarms import OutageAlarms
from backend.services.second_looks import SecondLooks
from backend.services.silence_watch import keep_watch

logger = logging.getLogger(__name__)

REMEMBERED = timedelta(hours=24)  # who has been silent for longer is off, not lost
LOSSES_PER_RUN = 500  # the rest is fifteen seconds later


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one run saw and did."""

    is_armed: bool
    silent: int = 0
    braked: int = 0
    taken_up: int = 0
    heard_again: int = 0
    looked_again: int = 0


class LossDetection:
    """Takes up silent primaries. Idempotent: a silence is one event, however often it is seen."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._timeout = settings.heartbeat_timeout
        self._is_sef_on = settings.enable_sef
        self._alarms = OutageAlarms(database)
        self._second_looks = SecondLooks(database, settings)

    def detect(self, *, now: datetime) -> Watched:
        """Watch once: arm, look for outages, and have somebody look after each single loss."""
        watch = self._database.run(
            "keep_watch", lambda s: keep_watch(s, now=now, timeout=self._timeout)
        )
        heard = self._database.run("close_heard_losses", lambda s: losses.close_heard(s, now))
        if now < watch.armed_at:
            return Watched(is_armed=False, heard_again=heard)
        rows, fleet, values = self._database.run("list_silent", lambda s: self._read(s, now))
        agents = {row["agent_id"]: row for row in rows}
        outages = find_outages(
            [
                Silent(agent_id=key, client_id=row["client_id"], heard_at=row["heard_at"])
                for key, row in agents.items()
            ],
            fleet,
            timeout=self._timeout,
        )
        self._alarms.update(outages, fleet, values, now=now)
        taken_up = self._take_up(self._single(agents, outages), values, now)
        looked_again = self._second_looks.ask(values, now=now)
        return Watched(
            is_armed=True,
            silent=len(agents),
            braked=len(outages.agents),
            taken_up=taken_up,
            heard_again=heard,
            looked_again=looked_again,
        )

    def _read(
        self, session: Session, now: datetime
    ) -> tuple[list[Row], dict[str, int], dict[str, str]]:
        rows = losses.list_silent(
            session,
            silent_before=now - self._timeout,
            remembered_since=now - REMEMBERED,
            alive_since=now - PROMOTABLE_HEARD,
        )
        # Of two standbys the first living one counts: rows without one must not hide it.
        rows.sort(key=lambda row: row["standby_id"] is not None)
        return (
            rows,
            losses.count_watched(session, now - REMEMBERED),
            runtime_settings.list_settings(session),
        )

    @staticmethod
    def _single(agents: dict[str, Row], outages: Outages) -> list[Row]:
        found = [
            row
            for agent_id, row in agents.items()
            if agent_id not in outages.agents and not row["is_handled"]
        ]
        return sorted(found, key=lambda row: (row["heard_at"], row["agent_id"]))[:LOSSES_PER_RUN]

    def _take_up(self, rows: Sequence[Row], values: dict[str, str], now: datetime) -> int:
        if not rows:
            return 0
        silent = [
            silent_agent(
                row,
                global_freeze=values.get(freezes.GLOBAL_SETTING),
                is_sef_on=self._is_sef_on,
            )
            for row in rows
        ]
        names = {row["agent_id"]: row["logical_agent_id"] for row in rows}
        found = self._database.run(
            "list_rescuers",
            lambda s: losses.list_rescuers(
                s, list({one.client_id for one in silent}), alive_since=now - PROMOTABLE_HEARD
            ),
        )
        rescuers = Rescuers(rescuer_of(row) for row in found)
        responses = [respond(one, rescuers) for one in silent]
        specs = self._database.run(
            "list_launch_specs",
            lambda s: losses.list_launch_specs(
                s, [r.agent.agent_id for r in responses if r.resort == "rescue"]
            ),
        )
        return self._database.transact(
            "take_up_losses", lambda tx: self._write(tx, responses, specs, names, now)
        )

    def _write(
        self,
        tx: Transaction,
        responses: Sequence[Response],
        specs: dict[str, Row],
        names: dict[str, str],
        now: datetime,
    ) -> int:
        """Write the events before the commands: nobody acts on what is not on record."""
        touched = {r.agent.agent_id for r in responses}
        touched |= {r.rescuer.agent_id for r in responses if r.rescuer}
        standbys.lock_agents(tx, list(touched))
        by_id = {str(uuid.uuid4()): response for response in responses}
        taken_up = losses.insert_losses(
            tx,
            [loss_record(event_id, response) for event_id, response in by_id.items()],
            silent_before=now - self._timeout,
            now=now,
        )
        mine = {event_id: by_id[event_id] for event_id in sorted(taken_up)}
        commands = [
            command
            for event_id, response in mine.items()
            if (command := look_command(event_id, response, names, specs, now))
        ]
        standbys.insert_commands(tx, commands, now=now)
        events = [loss_event(response, names) for response in mine.values()]
        standbys.record_events(tx, events, now=now)
        standbys.notify(tx, events, now=now)
        tx.commit()
        for event_id, response in mine.items():
            logger.warning(
                "%s is silent: %s",
                response.agent.instance_id,
                response.reason,
                extra={
                    "action": "loss_taken_up",
                    "agent_id": response.agent.agent_id,
                    "event_id": event_id,
                    "resort": response.resort,
                },
            )
        return len(mine)
