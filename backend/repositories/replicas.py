"""Replicas: standby instances, what was said about them, and the orders to launch them."""

from datetime import datetime
from decimal import Decimal

from backend.db.database import Transaction
from backend.db.session import Params, Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def find_replica(session: Session, client_id: str, agent_id: str, replica_id: str) -> Row | None:
    """Return one replica; ``pools`` and ``tags`` are JSON text, ``cost_usd`` what it has cost."""
    return session.row(
        _SQL["find_replica"],
        {"client_id": client_id, "agent_id": agent_id, "replica_id": replica_id},
    )


def list_replicas(
    session: Session,
    client_id: str | None,
    agent_id: str,
    *,
    status: str | None,
    include_ended: bool,
) -> list[Row]:
    """Return an agent's replicas, newest first: of one status, else the live ones or all."""
    return session.rows(
        _SQL["list_replicas"],
        {
            "client_id": client_id,
            "agent_id": agent_id,
            "status": status,
            "include_ended": include_ended,
        },
    )


def list_client_replicas(session: Session, client_id: str) -> list[Row]:
    """Return a client's live replicas with their primaries, newest first."""
    return session.rows(_SQL["list_client_replicas"], {"client_id": client_id})


def list_orders(
    session: Session, agent_id: str, *, instance_id: str, replica_id: str | None
) -> list[Row]:
    """Return the replicas that may explain an instance that registers, oldest first."""
    return session.rows(
        _SQL["list_orders"],
        {"agent_id": agent_id, "instance_id": instance_id, "replica_id": replica_id},
    )


def find_replica_of_instance(session: Session, agent_id: str, instance_id: str) -> Row | None:
    """Return the replica that an instance is or was."""
    return session.row(
        _SQL["find_replica_of_instance"], {"agent_id": agent_id, "instance_id": instance_id}
    )


def list_open_instances(
    session: Session, client_id: str, agent_id: str
) -> dict[str, datetime | None]:
    """Return the instances on the books as replicas, registered or not, and their launches."""
    rows = session.rows(_SQL["list_open_instances"], {"client_id": client_id, "agent_id": agent_id})
    return {row["instance_id"]: row["launched_at"] for row in rows}


def find_door(session: Session, client_id: str, agent_id: str, live_since: datetime) -> Row | None:
    """Return what tells whether an anonymous caller can only be the primary; None: no agent."""
    return session.row(
        _SQL["find_door"],
        {"client_id": client_id, "agent_id": agent_id, "live_since": live_since},
    )


def hand_out(
    tx: Transaction, *, client_id: str, agent_id: str, instance_id: str, held_until: datetime
) -> list[Row]:
    """Put the orders that wait for an installed agent into one instance's hands; return them.

    Each order is returned once in its life.
    """
    params = {
        "client_id": client_id,
        "agent_id": agent_id,
        "instance_id": instance_id,
        "held_until": held_until,
    }
    if tx.run(_SQL["hand_out"], params) == 0:
        return []
    return tx.rows(_SQL["list_held"], params)


def advance_replica(tx: Transaction, params: Params) -> bool:
    """Change a replica; False when its status or instance is no longer the expected one.

    The parameters are those of the procedure, which tells the news.

    Raises:
        UniqueViolation: the instance is another replica of this agent.
    """
    row = tx.row(_SQL["advance_replica"], params)
    return bool(row and row["applied"])


def set_price(tx: Transaction, agent_id: str, replica_id: str, price: Decimal) -> None:
    """Note what a replica costs, USD per hour."""
    tx.run(_SQL["set_price"], {"agent_id": agent_id, "replica_id": replica_id, "price": price})


def cancel_launch(
    tx: Transaction, *, agent_id: str, command_id: str, message: str, now: datetime
) -> bool:
    """Call off an order to launch; False when somebody holds it or it has ended."""
    params = {"agent_id": agent_id, "command_id": command_id, "message": message, "now": now}
    return tx.run(_SQL["cancel_launch"], params) == 1


def find_chosen(session: Session, client_id: str, agent_id: str, replica_id: str) -> Row | None:
    """Return status and instance of a replica, and the event that it may take over for."""
    return session.row(
        _SQL["find_chosen"],
        {"client_id": client_id, "agent_id": agent_id, "replica_id": replica_id},
    )
