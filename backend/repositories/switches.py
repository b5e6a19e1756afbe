"""Switches: every replacement of a primary, asked for, under way or done."""

from datetime import datetime

from backend.db.session import Params, Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def insert_switch(session: Session, params: Params) -> None:
    """Open a switch.

    Raises:
        UniqueViolation: the agent has an open switch (constraint ``switches_open_uq``).
    """
    session.run(_SQL["insert_switch"], params)


def find_open_switch(session: Session, agent_id: str) -> Row | None:
    """Return the agent's open switch, with the protocol of the command's holder."""
    return session.row(_SQL["find_open_switch"], {"agent_id": agent_id})


def find_reported_switch(
    session: Session,
    *,
    agent_id: str,
    report_key: str,
    command_id: str | None,
    new_instance_id: str,
) -> Row | None:
    """Return the row that a switch report belongs to, or None when nothing announced it."""
    return session.row(
        _SQL["find_reported_switch"],
        {
            "agent_id": agent_id,
            "report_key": report_key,
            "command_id": command_id,
            "new_instance_id": new_instance_id,
        },
    )


def record_switch(session: Session, params: Params) -> bool:
    """Write a reported switch; False when the agent's epoch has moved on.

    Needs an autocommit session: the procedure is sealed.
    """
    row = session.row(_SQL["record_switch"], params)
    return bool(row and row["applied"])


def fail_switch_of_command(
    session: Session, *, command_id: str, failed_step: str, reason: str, now: datetime
) -> bool:
    """Fail the open switch behind a command; False when it has none."""
    params = {
        "command_id": command_id,
        "failed_step": failed_step,
        "reason": reason[:255],
        "now": now,
    }
    return session.run(_SQL["fail_switch_of_command"], params) == 1


def find_switch_of_command(
    session: Session, client_id: str, agent_id: str, command_id: str
) -> Row | None:
    """Return the switch that a command of this agent is to make."""
    return session.row(
        _SQL["find_switch_of_command"],
        {"client_id": client_id, "agent_id": agent_id, "command_id": command_id},
    )


def advance_switch(
    session: Session,
    *,
    switch_id: str,
    expected_status: str,
    status: str,
    new_instance_id: str | None,
    new_pool_id: str | None,
    new_az: str | None,
    now: datetime,
) -> bool:
    """Move an open switch forward; False when its status is no longer the expected one."""
    params = {
        "switch_id": switch_id,
        "expected_status": expected_status,
        "status": status,
        "new_instance_id": new_instance_id,
        "new_pool_id": new_pool_id,
        "new_az": new_az,
        "now": now,
    }
    return session.run(_SQL["advance_switch"], params) == 1


def mark_old_terminated(
    session: Session, *, agent_id: str, instance_id: str, terminated_at: datetime
) -> None:
    """Note when the replaced instance ended, on every switch away from it."""
    session.run(
        _SQL["mark_old_terminated"],
        {"agent_id": agent_id, "instance_id": instance_id, "terminated_at": terminated_at},
    )
