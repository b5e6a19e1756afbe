"""Losses as they are written down: the event, the order to look, and what the operator is told."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import orjson

from backend.db.session import Row
from backend.domain.commands import CommandType, Priority
from backend.domain.freezing import FreezeLevel, strictest
from backend.repositories.standbys import moment
from backend.sef.losses import Rescuer, Response, SilentAgent

LOOK_WITHIN = timedelta(minutes=10)

Record = dict[str, Any]


def silent_agent(row: Row, *, global_freeze: str | None, is_sef_on: bool) -> SilentAgent:
    """Return a row of ``list_silent`` or ``list_unanswered`` as the rules see it."""
    freeze = strictest(global_freeze, row["client_freeze"], row["agent_freeze"])
    checks = (
        (not is_sef_on, "sef_disabled"),
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
        asked_agent_id=row["asked_agent_id"],
    )


def rescuer_of(row: Row) -> Rescuer:
    """Return a row of ``list_rescuers`` as the rules see it."""
    return Rescuer(
        client_id=row["client_id"],
        agent_id=row["agent_id"],
        instance_id=row["instance_id"],
        account_id=row["account_id"],
        region=row["region"],
    )


def loss_record(event_id: str, response: Response) -> Record:
    """Return the event of a silence that is taken up."""
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


def look_command(
    event_id: str,
    response: Response,
    names: dict[str, str],
    specs: dict[str, Row],
    now: datetime,
    *,
    number: int = 1,
) -> Record | None:
    """Return the order to look; None where nobody is to.

    Args:
        event_id: The event of the silence.
        response: Who looks.
        names: Logical ids by agent.
        specs: Launch specs by agent.
        now: The present.
        number: Which look it is, from 1; a look is ordered once.
    """
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
        "idempotency_key": f"{response.resort}:{event_id}" + (f":{number}" if number > 1 else ""),
        "expires_at": moment(now + LOOK_WITHIN),
    }


def loss_event(response: Response, names: dict[str, str]) -> Record:
    """Return what the operator is told of a silence that is taken up."""
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
