"""How far a switch has come, as an agent of ours reports it step by step."""

import logging
from dataclasses import dataclass
from datetime import datetime

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Session
from backend.domain.pools import parse_pool_name
from backend.domain.switches import SWITCH_MACHINE, SwitchStatus
from backend.errors import Conflict, NotFound
from backend.repositories import switches

logger = logging.getLogger(__name__)

ATTEMPTS = 5  # compare-and-set rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was reached; ``pool_id`` is the pool that really had capacity."""

    status: SwitchStatus
    new_instance_id: str | None = None
    pool_id: str | None = None


class SwitchProgress:
    """Moves open switches forward. Idempotent: the same step again is the same answer."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def advance(self, client_id: str, agent_id: str, command_id: str, step: Step) -> SwitchStatus:
        """Record a step of the switch behind a command.

        Raises:
            NotFound: the agent has no such command, or it is no switch.
            IllegalTransition: the switch is further, or closed: the executor must undo its work.
        """
        for _ in range(ATTEMPTS):
            reached = self._database.run(
                "advance_switch",
                lambda s: self._advance(
                    s, client_id, agent_id, command_id, step, self._clock.now()
                ),
            )
            if reached is not None:
                return reached
        raise Conflict("The switch is changing too fast; report again", retry_after_seconds=1)

    @staticmethod
    def _advance(
        session: Session,
        client_id: str,
        agent_id: str,
        command_id: str,
        step: Step,
        now: datetime,
    ) -> SwitchStatus | None:
        switch = switches.find_switch_of_command(session, client_id, agent_id, command_id)
        if switch is None:
            raise NotFound("Unknown switch", field="command_id")
        present = SwitchStatus(switch["status"])
        SWITCH_MACHINE.step(present, step.status)
        pool = parse_pool_name(step.pool_id) if step.pool_id else None
        is_applied = switches.advance_switch(
            session,
            switch_id=switch["id"],
            expected_status=present,
            status=step.status,
            new_instance_id=step.new_instance_id,
            new_pool_id=str(pool) if pool else None,
            new_az=pool.az if pool else None,
            now=now,
        )
        if not is_applied:
            return None
        logger.info(
            "Switch %s is %s",
            switch["id"],
            step.status,
            extra={
                "action": "switch_advanced",
                "agent_id": agent_id,
                "command_id": command_id,
                "switch_id": switch["id"],
                "status": str(step.status),
                "new_instance_id": step.new_instance_id,
            },
        )
        return step.status
