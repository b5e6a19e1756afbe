"""Loss detection: primaries that fall silent without a notice, behind three brakes.

The watch must be armed; agents that fall silent together are an outage of something else and raise
one alarm; and nobody is replaced before somebody has looked (``findings``).
"""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from backend.config import Settings
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.domain.commands import CommandType, Priority
from backend.domain.freezing import FreezeLevel, strictest
from backend.repositories import freezes, losses, runtime_settings, standbys
from backend.repositories.standbys import moment
from backend.sef.losses import Rescuer, Rescuers, Response, SilentAgent, respond
from backend.sef.policy import PROMOTABLE_HEARD
from backend.sef.silence import Outages, Silent, find_outages
from backend.services.outage_alarms import OutageAlarms
from backend.services.silence_watch import keep_watch

logger = logging.getLogger(__name__)

REMEMBERED = timedelta(hours=24)  # who has been silent for longer is off, not lost
LOOK_WITHIN = timedelta(minutes=10)
LOSSES_PER_RUN = 500  # the rest is fifteen seconds later

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one run saw and did."""

    is_armed: bool
    silent: int = 0
    braked: int = 0
    taken_up: int = 0
    heard_again: int = 0


class LossDetection:
    """Takes up silent primaries. Idempotent: a silence is one event, however often it is seen."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._timeout = settings.heartbeat_timeout
        self._is_sef_on = settings.enable_sef
        self._alarms = OutageAlarms(database)

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
        return Watched(
            is_armed=True,
            silent=len(agents),
            braked=len(outages.agents),
            taken_up=taken_up,
            heard_again=heard,
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
        silent = [self._silent_agent(row, values.get(freezes.GLOBAL_SETTING)) for row in rows]
        names = {row["agent_id"]: row["logical_agent_id"] for row in rows}
        found = self._database.run(
            "list_rescuers",
            lambda s: losses.list_rescuers(
                s, list({one.client_id for one in silent}), alive_since=now - PROMOTABLE_HEARD
            ),
        )
        rescuers = Rescuers(_rescuer(row) for row in found)
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

    def _silent_agent(self, row: Row, global_freeze: str | None) -> SilentAgent:
        freeze = strictest(global_freeze, row["client_freeze"], row["agent_freeze"])
        checks = (
            (not self._is_sef_on, "sef_disabled"),
            (not row["enabled"], "agent_disabled"),
            (freeze is FreezeLevel.ALL, "frozen"),
        )
        return SilentAgent(
            agent_id=row["agent_id"],
            client_id=row["client_id"],
            instance_id=row["instance_id"],
            account_id=row["account_id"],
            region=row["region"],
            heard_at=row["heard_at"],
            obstacle=next((reason for applies, reason in checks if applies), None),
            replica_id=row["replica_id"],
            standby_id=row["standby_id"],
            has_spec=bool(row["has_spec"]),
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
            [_loss_record(event_id, response) for event_id, response in by_id.items()],
            silent_before=now - self._timeout,
            now=now,
        )
        mine = {event_id: by_id[event_id] for event_id in sorted(taken_up)}
        commands = [
            command
            for event_id, response in mine.items()
            if (command := _command(event_id, response, names, specs, now))
        ]
        standbys.insert_commands(tx, commands, now=now)
        events = [_event(response, names) for response in mine.values()]
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


def _rescuer(row: Row) -> Rescuer:
    return Rescuer(
        client_id=row["client_id"],
        agent_id=row["agent_id"],
        instance_id=row["instance_id"],
        account_id=row["account_id"],
        region=row["region"],
    )


def _loss_record(event_id: str, response: Response) -> Record:
    agent = response.agent
    is_ordered_off = response.resort == "none" and response.reason != "no_rescuer"
    status = "unhandled" if is_ordered_off else "lost"
    return {
        "event_id": event_id,
        "agent_id": agent.agent_id,
        "instance_id": agent.instance_id,
        "notice_key": agent.heard_at.isoformat(),
        "status": status if response.resort == "none" else "responding",
        "action": response.resort,
        "reason": response.reason,
        "replica_id": agent.replica_id if response.resort == "verify" else None,
        "rescuer_agent_id": response.rescuer.agent_id if response.rescuer else None,
        "heard_at": moment(agent.heard_at),
    }


def _command(
    event_id: str,
    response: Response,
    names: dict[str, str],
    specs: dict[str, Row],
    now: datetime,
) -> Record | None:
    agent, rescuer = response.agent, response.rescuer
    payload: Record = {"event_id": event_id, "instance_id": agent.instance_id}
    if response.resort == "verify":
        command_type, owner, executor = (
            CommandType.VERIFY_PRIMARY,
            agent.agent_id,
            agent.standby_id,
        )
        payload["region"] = agent.region
    elif rescuer is not None and agent.agent_id in specs:
        command_type, owner, executor = (
            CommandType.RESCUE,
            rescuer.agent_id,
            rescuer.instance_id,
        )
        spec = specs[agent.agent_id]
        payload |= {
            "agent_id": agent.agent_id,
            "logical_agent_id": names[agent.agent_id],
            "region": agent.region,
            "replica_id": None,  # the answer to the finding orders it
            "pools": [],
            "allow_ondemand": True,
            "launch_spec": orjson.loads(spec["spec"]),
            "user_data_sealed": spec["user_data_encrypted"],
        }
    else:
        return None
    return {
        "command_id": str(uuid.uuid4()),
        "client_id": agent.client_id,
        "agent_id": owner,
        "command_type": command_type,
        "executor_id": executor,
        "payload": orjson.dumps(payload).decode(),
        "priority": int(Priority.EMERGENCY),
        "reason": "loss",
        "idempotency_key": f"{response.resort}:{event_id}",
        "expires_at": moment(now + LOOK_WITHIN),
    }


def _event(response: Response, names: dict[str, str]) -> Record:
    agent, name = response.agent, names[response.agent.agent_id]
    since = f"{agent.instance_id} has been silent since {agent.heard_at:%Y-%m-%d %H:%M:%S} UTC"
    kind, severity = "primary_silent", "warning"
    if response.resort == "verify":
        what = f"its replica {agent.standby_id} looks after it"
    elif response.rescuer is not None:
        what = f"{response.rescuer.instance_id} looks after it"
    elif response.reason == "no_rescuer":
        kind, severity = "agent_lost", "error"
        what = "nobody can look after it or replace it: it counts as lost"
    else:
        kind, severity = "interruption_unhandled", "error"
        what = f"nothing is done about it: {response.reason}"
    return {
        "event_type": kind,
        "severity": severity,
        "client_id": agent.client_id,
        "agent_id": agent.agent_id,
        "instance_id": agent.instance_id,
        "message": f"{name}: {since}; {what}",
    }
