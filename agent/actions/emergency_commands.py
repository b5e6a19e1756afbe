"""The commands that a noticed host gives itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agent.actions.queue import EMERGENCY
from agent.backend_client.commands import Command
from agent.backend_client.fallback import Order
from agent.notices import Notice

KIND = "emergency"


def emergency_command(notice: Notice) -> Command:
    """Return the command that this host gives itself: the same for repeats of a notice."""
    return Command(
        id=f"emergency-{notice.key}",
        command_type=KIND,
        target_mode=None,
        target_pool_id=None,
        priority=EMERGENCY,
        terminate_wait_seconds=0,
        payload={},
        is_local=True,
    )


def order_command(order: Order, payload: Mapping[str, Any]) -> Command:
    """Return the command for an order that came in an answer, after the emergency had ended."""
    base = Command(f"order-{order.replica_id}", "create_replica", None, None, EMERGENCY, 0, payload)
    return replace(base, is_local=True)
