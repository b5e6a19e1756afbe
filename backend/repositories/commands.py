"""Commands: what agents were told to do, and what came of it."""

from datetime import datetime, timedelta

from backend.db.database import Transaction
from backend.db.session import Params, Row, Session
from backend.db.statements import beside
from backend.repositories import news

_SQL = beside(__file__)


def lease_commands(
    session: Session,
    *,
    client_id: str,
    agent_id: str,
    instance_id: str | None,
    live_window: timedelta,
    contested_priority: int,
    lease_seconds: tuple[int, int],
    now: datetime,
) -> tuple[Row, list[Row]]:
    """Return the agent's status, and the commands that are now leased to the caller.

    Needs an autocommit session: the procedure is sealed. The parameters are those of
    ``repositories.instances.sync_instance``; ``instance_id`` None is an anonymous caller.
    ``agent_status`` of the first row is None when the client has no such agent.
    """
    sets = session.call(
        _SQL["lease_commands"],
        {
            "client_id": client_id,
            "agent_id": agent_id,
            "instance_id": instance_id,
            "live_since": now - live_window,
            "contested_priority": contested_priority,
            "lease_seconds_classic": lease_seconds[0],
            "lease_seconds_native": lease_seconds[1],
            "now": now,
        },
    )
    return sets[0][0], sets[1] if len(sets) > 1 else []


def complete_command(
    session: Session,
    *,
    client_id: str,
    agent_id: str,
    command_id: str,
    expected_status: str,
    status: str,
    outcome_code: str | None,
    message: str,
    failed_step: str,
    now: datetime,
) -> bool:
    """End a command; False when its status is no longer the expected one.

    A failed switch command fails its open switch in the same transaction. Needs an autocommit
    session: the procedure is sealed.
    """
    params = {
        "client_id": client_id,
        "agent_id": agent_id,
        "command_id": command_id,
        "expected_status": expected_status,
        "status": status,
        "outcome_code": outcome_code,
        "message": message[:1000],
        "failed_step": failed_step,
        "now": now,
    }
    row = session.row(_SQL["complete_command"], params)
    return bool(row and row["applied"])


def insert_command(tx: Transaction, params: Params) -> None:
    """Write a new command, and make the agent's next sync look for it.

    A caller that writes a switch too tells the news before: locks are taken in order.

    Raises:
        UniqueViolation: the agent has a command with this idempotency key.
    """
    news.tell_news(tx, params["agent_id"])
    tx.run(_SQL["insert_command"], params)


def find_command(session: Session, client_id: str, agent_id: str, command_id: str) -> Row | None:
    """Return one command of an agent."""
    return session.row(
        _SQL["find_command"],
        {"client_id": client_id, "agent_id": agent_id, "command_id": command_id},
    )


def find_command_by_key(session: Session, agent_id: str, idempotency_key: str) -> Row | None:
    """Return the command that an earlier request with this key made."""
    return session.row(
        _SQL["find_command_by_key"], {"agent_id": agent_id, "idempotency_key": idempotency_key}
    )


def list_overdue_leases(session: Session, *, now: datetime, limit: int) -> list[Row]:
    """Return leases that ran out and whose outcome nobody can tell, oldest first."""
    return session.rows(_SQL["list_overdue_leases"], {"now": now, "limit": limit})


def list_overdue_pending(session: Session, *, now: datetime, limit: int) -> list[Row]:
    """Return pending commands that may no longer be fetched, oldest first."""
    return session.rows(_SQL["list_overdue_pending"], {"now": now, "limit": limit})


def expire_command(session: Session, command_id: str, message: str, now: datetime) -> bool:
    """End a pending command unfetched; False when it is not pending any more."""
    params = {"command_id": command_id, "message": message, "now": now}
    return session.run(_SQL["expire_command"], params) == 1
