"""The end of a switch: the report that makes the successor the primary."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from agent.actions.delivery import acknowledgement, deliver
from agent.actions.queue import Checkpoint
from agent.actions.saga import Step
from agent.aws.ec2 import Ec2
from agent.backend_client.reports import price_or_none, switch_report_body
from agent.backend_client.retry import persist
from agent.clock import Clock, parse_instant
from agent.config import Settings
from agent.errors import ActionFailed, Deferred
from agent.identity import Identity
from agent.journal import Entry
from agent.outbox import Outbox, Report
from agent.prices import PriceBook
from agent.state import AgentState

_DONE = "Switch completed"


class Handover:
    """Reports a switch, and waits until the report has arrived."""

    def __init__(
        self,
        *,
        settings: Settings,
        identity: Identity,
        state: AgentState,
        ec2: Ec2,
        outbox: Outbox,
        prices: PriceBook,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._state = state
        self._ec2 = ec2
        self._outbox = outbox
        self._prices = prices
        self._clock = clock

    def report(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        """Deliver the switch report; from here on the successor is the primary.

        Not fenced: after a crash this host may be superseded by this very report. The backend
        tells whether the report moved the primary.

        Raises:
            ActionFailed: the backend did not accept that the successor takes over.
            Interrupted: the checkpoint says so; the report stays in the outbox.
        """
        report = Report(
            key=f"switch-report:{entry.command.id}",
            path="switch-report",
            body=self._body(entry),
        )
        outcome = deliver(self._outbox, report, checkpoint.unfenced())
        if outcome.refusal is not None:
            raise ActionFailed("report", outcome.refusal)
        answer = outcome.answer if isinstance(outcome.answer, dict) else {}
        has_moved = answer.get("is_primary_moved", True) or answer.get("reason") == "repeated"
        if not has_moved:
            raise ActionFailed("report", f"the primary did not move ({answer.get('reason')})")
        return {"message": _DONE}

    def classic_steps(self) -> list[Step]:
        """Return what this host does itself where an old backend has no successor retire it."""
        return [Step("acknowledge", self._acknowledge), Step("end_host", self._end_host)]

    def _acknowledge(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        deliver(
            self._outbox,
            acknowledgement(entry.command, success=True, message=_DONE),
            checkpoint.unfenced(),
        )
        self._state.gave_way()
        return {"acknowledged_at": self._clock.now().isoformat()}

    def _end_host(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        """Everything was delivered: end this host when its time has come, if that is wanted."""
        wait = entry.command.terminate_wait_seconds
        if not wait or not self._settings.auto_terminate_old_instance:
            return {}
        wait = max(wait, int(self._settings.terminate_wait_time or 0))
        due = parse_instant(entry.facts["acknowledged_at"]) + timedelta(seconds=wait)
        if due > self._clock.now():
            raise Deferred((due - self._clock.now()).total_seconds())
        pause = checkpoint.unfenced().wait
        successor_id = entry.facts["new_instance_id"]
        successor = persist(lambda: self._ec2.find(successor_id), wait=pause, clock=self._clock)
        if successor is not None and successor.state == "running":
            own_id = self._identity.instance_id
            persist(lambda: self._ec2.terminate(own_id), wait=pause, clock=self._clock)
        return {}

    def _body(self, entry: Entry) -> dict[str, Any]:
        own, facts, last = self._identity, entry.facts, self._prices.last
        is_own_type = facts["new_type"] == own.instance_type
        return switch_report_body(
            command_id=entry.command.id,
            old=_machine(
                own.instance_id, own.instance_type, own.az, own.mode, own.ami_id, own.region
            ),
            new=_machine(
                facts["new_instance_id"],
                facts["new_type"],
                facts["new_az"],
                facts["new_mode"],
                facts["new_ami_id"],
                own.region,
            ),
            prices={
                "on_demand": price_or_none(last.ondemand),
                "old_spot": price_or_none(last.spot.get(own.az)) if own.mode == "spot" else None,
                "new_spot": price_or_none(last.spot.get(facts["new_az"]))
                if facts["new_mode"] == "spot" and is_own_type
                else None,
            },
            timing={
                "initiated_at": entry.begun_at.isoformat(),
                "instance_launched_at": facts["launched_at"],
                "instance_ready_at": facts["ready_at"],
            },
            priority=entry.command.priority,
        )


def _machine(
    instance_id: str, instance_type: str, az: str, mode: str, ami_id: str | None, region: str
) -> dict[str, Any]:
    return {
        "instance_id": instance_id,
        "instance_type": instance_type,
        "region": region,
        "az": az,
        "ami_id": ami_id,
        "mode": mode,
        "pool_id": f"{instance_type}.{az}" if mode == "spot" else None,
    }
