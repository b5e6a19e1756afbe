"""Second looks: silences that the one who was asked could not see, or did not come to look at."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from backend.config import Settings
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.repositories import freezes, losses, standbys
from backend.sef.losses import Rescuers, Response, look_again
from backend.sef.policy import PROMOTABLE_HEARD
from backend.services.loss_records import Record, look_command, rescuer_of, silent_agent

logger = logging.getLogger(__name__)

# Who is asked hears of it within a sync (15 s), looks three times and tells within 30 s.
ANSWER_WITHIN: Final = timedelta(seconds=60)
MOST_LOOKS: Final = 4


class SecondLooks:
    """Asks somebody else, so that a blind or dead witness costs a minute and not the workload.

    Idempotent: a look is ordered once. A late answer of the first witness counts as well.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._is_sef_on = settings.enable_sef

    def ask(self, values: Mapping[str, str], *, now: datetime) -> int:
        """Order the looks that are due; return how many.

        Args:
            values: The runtime settings; they may freeze everything.
            now: The present.
        """
        rows = self._database.run(
            "list_unanswered_losses",
            lambda s: losses.list_unanswered(
                s, asked_before=now - ANSWER_WITHIN, most_looks=MOST_LOOKS
            ),
        )
        if not rows:
            return 0
        responses, specs = self._database.run(
            "choose_second_witnesses",
            lambda s: self._choose(s, rows, values.get(freezes.GLOBAL_SETTING), now),
        )
        if not responses:
            return 0
        return self._database.transact(
            "order_second_looks", lambda tx: _order(tx, rows, responses, specs, now)
        )

    def _choose(
        self, session: Session, rows: Sequence[Row], global_freeze: str | None, now: datetime
    ) -> tuple[dict[str, Response], dict[str, Row]]:
        clients = sorted({row["client_id"] for row in rows})
        found = losses.list_rescuers(session, clients, alive_since=now - PROMOTABLE_HEARD)
        rescuers = Rescuers(rescuer_of(row) for row in found)
        responses = {}
        for row in rows:
            agent = silent_agent(row, global_freeze=global_freeze, is_sef_on=self._is_sef_on)
            response = look_again(agent, rescuers)
            if response.rescuer is not None:
                responses[row["event_id"]] = response
        owners = [response.agent.agent_id for response in responses.values()]
        return responses, losses.list_launch_specs(session, owners)


def _order(
    tx: Transaction,
    rows: Sequence[Row],
    responses: Mapping[str, Response],
    specs: dict[str, Row],
    now: datetime,
) -> int:
    looks: list[Record] = [
        {
            "event_id": row["event_id"],
            "number": row["look_count"] + 1,
            "rescuer_agent_id": response.rescuer.agent_id,
        }
        for row in rows
        if (response := responses.get(row["event_id"])) and response.rescuer
    ]
    touched = {look["rescuer_agent_id"] for look in looks}
    touched |= {response.agent.agent_id for response in responses.values()}
    standbys.lock_agents(tx, sorted(touched))
    noted = losses.note_second_looks(tx, looks, now=now)
    names = {row["agent_id"]: row["logical_agent_id"] for row in rows}
    commands = [
        command
        for look in looks
        if look["event_id"] in noted
        and (
            command := look_command(
                look["event_id"],
                responses[look["event_id"]],
                names,
                specs,
                now,
                number=look["number"],
            )
        )
    ]
    standbys.insert_commands(tx, commands, now=now)
    tx.commit()
    for look in looks:
        if look["event_id"] in noted:
            logger.warning(
                "Somebody else looks after a silent instance",
                extra={"action": "loss_looked_at_again", **look},
            )
    return len(commands)
