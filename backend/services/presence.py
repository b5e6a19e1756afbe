"""Signs of life: heartbeats, on a hot path of one UPDATE and a slow path for everything else."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.grouping import Grouping
from backend.db.session import Row
from backend.domain.commands import CLASSIC_PROTOCOL, NATIVE_PROTOCOL
from backend.domain.identity import Sender
from backend.domain.modes import Mode
from backend.domain.pools import region_of
from backend.errors import NotFound
from backend.repositories import agents, events, instances
from backend.repositories.instances import SignOfLife
from backend.services.registration import Registration, RegistrationRequest

logger = logging.getLogger(__name__)

OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A sign of life; the facts are those that an instance may not have known when it registered.

    ``status`` is what the sender says: ``offline`` is a goodbye, anything else means alive.
    """

    sender: Sender
    status: str = "online"
    mode: Mode | None = None
    instance_type: str | None = None
    az: str | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """What became of a heartbeat: ``code`` says why it did not count."""

    accepted: bool
    code: str | None = None


ACCEPTED = Beat(accepted=True)


class Presence:
    """Records signs of life. Idempotent; a message from a non-primary never moves the agent."""

    def __init__(self, database: Database, clock: Clock, registration: Registration) -> None:
        self._database = database
        self._clock = clock
        self._registration = registration
        self._steady = Grouping(self._beat_steady, self._beat_steady_together)

    def beat(self, client_id: str, agent_id: str, heartbeat: Heartbeat) -> Beat:
        """Record a heartbeat.

        Raises:
            NotFound: the client has no such agent, or the agent no such instance and the
                heartbeat does not tell enough to register it.
        """
        instance_id = heartbeat.sender.instance_id
        if instance_id and heartbeat.status != OFFLINE:
            sign = SignOfLife(client_id=client_id, agent_id=agent_id, instance_id=instance_id)
            if self._steady.do(sign):
                return ACCEPTED
        return self.beat_slowly(client_id, agent_id, heartbeat)

    def _beat_steady(self, sign: SignOfLife) -> bool:
        now = self._clock.now()
        return self._database.run("beat_steady", lambda s: instances.beat_steady(s, sign, now=now))

    def _beat_steady_together(self, signs: Sequence[SignOfLife]) -> bool:
        now = self._clock.now()
        return self._database.run(
            "beat_steady_together",
            lambda s: instances.beat_steady_together(s, signs, now=now),
        )

    def beat_slowly(self, client_id: str, agent_id: str, heartbeat: Heartbeat) -> Beat:
        """Record a heartbeat that may change more than the time of the last sign of life.

        Raises:
            NotFound: as ``beat``.
        """
        missing = self._database.transact(
            "beat", lambda tx: self._record(tx, client_id, agent_id, heartbeat)
        )
        if isinstance(missing, Beat):
            return missing
        request = _implicit_registration(missing, heartbeat)
        if request is None:
            raise NotFound("This instance is not registered", field="instance_id")
        self._registration.register(client_id, request)
        return ACCEPTED

    def _record(
        self, tx: Transaction, client_id: str, agent_id: str, heartbeat: Heartbeat
    ) -> Beat | Row:
        """Return what became of it, or the agent's row when the instance is unknown."""
        now = self._clock.now()
        agent = agents.find_agent(tx, client_id, agent_id)
        if agent is None:
            raise NotFound("Unknown agent", field="agent_id")
        if agent["status"] == "deleted":
            return Beat(accepted=False, code="agent_deleted")
        if heartbeat.status == OFFLINE:
            self._say_goodbye(tx, agent, heartbeat.sender, now)
        elif heartbeat.sender.instance_id and not self._say_alive(tx, agent, heartbeat, now):
            return agent
        tx.commit()
        return ACCEPTED

    def _say_goodbye(self, tx: Transaction, agent: Row, sender: Sender, now: datetime) -> None:
        if sender.instance_id is None:
            agents.announce_offline(tx, agent["client_id"], agent["id"], now)
            return
        instances.unsettle(tx, agent["id"], sender.instance_id)
        if agents.mark_offline(tx, agent["id"], sender.instance_id, now):
            self._tell(tx, agent, sender.instance_id, "agent_stopped", "said goodbye", now)

    def _say_alive(self, tx: Transaction, agent: Row, heartbeat: Heartbeat, now: datetime) -> bool:
        instance_id = heartbeat.sender.instance_id
        if instance_id is None:
            return True
        known = instances.beat(
            tx,
            client_id=agent["client_id"],
            agent_id=agent["id"],
            instance_id=instance_id,
            protocol=NATIVE_PROTOCOL if heartbeat.sender.is_native else CLASSIC_PROTOCOL,
            mode=heartbeat.mode,
            instance_type=heartbeat.instance_type,
            az=heartbeat.az,
            now=now,
        )
        was_offline = agent["status"] == OFFLINE
        if known and was_offline and agents.mark_online(tx, agent["id"], instance_id, now):
            self._tell(tx, agent, instance_id, "agent_back_online", "is back online", now)
        return known

    def _tell(
        self,
        tx: Transaction,
        agent: Row,
        instance_id: str,
        event_type: str,
        what: str,
        now: datetime,
    ) -> None:
        message = f"{agent['logical_agent_id']} ({instance_id}) {what}"
        events.record_event(
            tx,
            event_type=event_type,
            message=message,
            client_id=agent["client_id"],
            agent_id=agent["id"],
            instance_id=instance_id,
            now=now,
        )
        events.notify(
            tx,
            notification_type=event_type,
            message=message,
            client_id=agent["client_id"],
            agent_id=agent["id"],
            now=now,
        )


def _implicit_registration(agent: Row, heartbeat: Heartbeat) -> RegistrationRequest | None:
    """Build a registration from a heartbeat of an instance that we do not know.

    Installed agents register once, at start; one that is unknown here (a restored database) would
    otherwise beat in vain until somebody restarts it. Ours register again when they are told.
    """
    region = region_of(heartbeat.az or "")
    instance_id = heartbeat.sender.instance_id
    if heartbeat.sender.is_native or not (instance_id and heartbeat.instance_type and region):
        return None
    return RegistrationRequest(
        logical_agent_id=agent["logical_agent_id"],
        instance_id=instance_id,
        instance_type=heartbeat.instance_type,
        region=region,
        az=heartbeat.az or "",
        mode=heartbeat.mode or Mode.UNKNOWN,
        protocol=CLASSIC_PROTOCOL,
    )
