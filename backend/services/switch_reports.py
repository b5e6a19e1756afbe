"""Switch reports: what an agent says it did, written down once, and the primary moved if it may."""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.domain.agent_config import config_from, effective_terminate_wait
from backend.domain.commands import NATIVE_PROTOCOL
from backend.domain.fencing import ReportDecision, decide_switch_report
from backend.domain.instants import FURTHEST_AHEAD
from backend.domain.modes import Mode
from backend.domain.pools import pool_of
from backend.domain.switch_reports import (
    SwitchPrices,
    SwitchTiming,
    parse_prices,
    parse_timing,
    savings_impact,
)
from backend.domain.switches import SwitchCause
from backend.errors import Conflict, InvalidRequest, NotFound
from backend.repositories import agents, instances, switches
from backend.services.registration import agent_view

logger = logging.getLogger(__name__)

ATTEMPTS = 8  # compare-and-set rounds
RETIRE_WITHIN = timedelta(hours=24)  # then an operator is told that the old instance still runs
_TRIGGERS = {
    "manual": SwitchCause.MANUAL,
    "model": SwitchCause.ENGINE,
    "engine": SwitchCause.ENGINE,
    "rebalance": SwitchCause.REBALANCE,
    "termination": SwitchCause.TERMINATION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One side of a switch, as reported."""

    instance_id: str
    instance_type: str
    region: str
    az: str
    mode: Mode
    ami_id: str | None = None

    @property
    def pool_id(self) -> str | None:
        """Return the spot pool that the machine runs in; None when on-demand or not known."""
        return pool_of(self.instance_type, self.az, self.mode)

    @property
    def is_complete(self) -> bool:
        """Whether type, zone and mode are all known."""
        return "unknown" not in (self.instance_type, self.az, self.mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchReport:
    """A report, in whichever dialect it was sent.

    ``sections`` is the body with ``timing`` and ``prices`` or ``pricing``.
    """

    old: Machine
    new: Machine
    trigger: str | None
    command_id: str | None
    image_id: str | None
    snapshot_id: str | None
    sections: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSwitch:
    """What became of a report."""

    switch_id: str
    moved_primary: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parsed:
    report: SwitchReport
    timing: SwitchTiming
    prices: SwitchPrices


class SwitchReports:
    """Records switch reports. Idempotent: the same report any number of times is one switch."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._max_price = settings.max_price_usd_per_hour
        self._silence = settings.heartbeat_timeout

    def record(self, client_id: str, agent_id: str, report: SwitchReport) -> RecordedSwitch:
        """Write the switch down; the new instance becomes primary if the old one still is it.

        Raises:
            NotFound: the client has no such agent.
            InvalidRequest: a time or a price cannot be read, or both sides are one instance.
            Conflict: the agent kept changing meanwhile.
        """
        if report.old.instance_id == report.new.instance_id:
            raise InvalidRequest(
                "old_instance and new_instance are the same", field="new_instance.instance_id"
            )
        parsed = _Parsed(
            report=report,
            timing=parse_timing(report.sections, latest=self._clock.now() + FURTHEST_AHEAD),
            prices=parse_prices(report.sections, max_price=self._max_price),
        )
        for _ in range(ATTEMPTS):
            recorded = self._database.run(
                "record_switch", lambda s: self._attempt(s, client_id, agent_id, parsed)
            )
            if recorded is not None:
                return recorded
        raise Conflict("The agent is changing too fast; report again", retry_after_seconds=1)

    def _attempt(
        self, session: Session, client_id: str, agent_id: str, parsed: _Parsed
    ) -> RecordedSwitch | None:
        now = self._clock.now()
        report = parsed.report
        agent = agents.find_agent(session, client_id, agent_id)
        if agent is None:
            raise NotFound("Unknown agent", field="agent_id")
        decision = decide_switch_report(
            agent_view(session, agent, report.new.instance_id, now=now, silence=self._silence),
            old_instance_id=report.old.instance_id,
            new_instance_id=report.new.instance_id,
            now=now,
        )
        row = self._row_of(session, agent_id, parsed)
        params = _parameters(agent, parsed, decision, row, now)
        old = instances.find_instance(session, client_id, agent_id, report.old.instance_id)
        params |= _retirement(agent, old, parsed, decision, str(params["switch_id"]))
        if not switches.record_switch(session, params):
            return None
        logger.info(
            "Switch %s to %s recorded (%s)",
            report.old.instance_id,
            report.new.instance_id,
            decision.reason,
            extra={
                "action": "switch_recorded",
                "agent_id": agent_id,
                "old_instance_id": report.old.instance_id,
                "new_instance_id": report.new.instance_id,
                "moved_primary": decision.moves_primary,
                "reason": decision.reason,
            },
        )
        return RecordedSwitch(
            switch_id=str(params["switch_id"]),
            moved_primary=decision.moves_primary,
            reason=decision.reason,
        )

    @staticmethod
    def _row_of(session: Session, agent_id: str, parsed: _Parsed) -> Row | None:
        """Return the row this report belongs to: its own, its command's, or the open switch's.

        Installed agents name no command: an open switch is theirs when the old instance is the
        one that it was ordered for.
        """
        report = parsed.report
        row = switches.find_reported_switch(
            session,
            agent_id=agent_id,
            report_key=_report_key(parsed),
            command_id=report.command_id,
            new_instance_id=report.new.instance_id,
        )
        if row is not None:
            return row
        open_switch = switches.find_open_switch(session, agent_id)
        if open_switch and open_switch["old_instance_id"] == report.old.instance_id:
            return open_switch
        return None


def _retirement(
    agent: Row, old: Row | None, parsed: _Parsed, decision: ReportDecision, switch_id: str
) -> dict[str, object]:
    """Return the order to retire the old instance, given to its successor.

    Only for agents of ours with auto-terminate on: installed agents end their own host.
    """
    wait = effective_terminate_wait(config_from(agent))
    is_ours = old is not None and old["protocol"] >= NATIVE_PROTOCOL
    moved_at = decision.moved_at
    if moved_at is None or not is_ours or not wait or parsed.timing.old_terminated_at:
        return {"retire_command_id": None, "retire_payload": None, "retire_expires_at": None}
    not_before = moved_at + timedelta(seconds=wait)
    payload = {
        "instance_id": parsed.report.old.instance_id,
        "not_before": not_before,
        "switch_id": switch_id,
    }
    return {
        "retire_command_id": str(uuid.uuid4()),
        "retire_payload": orjson.dumps(payload, option=orjson.OPT_UTC_Z).decode(),
        "retire_expires_at": not_before + RETIRE_WITHIN,
    }


def _report_key(parsed: _Parsed) -> str:
    initiated = parsed.timing.initiated_at
    stamp = initiated.isoformat() if initiated else ""
    return f"{parsed.report.old.instance_id}>{parsed.report.new.instance_id}@{stamp}"


def _parameters(
    agent: Row, parsed: _Parsed, decision: ReportDecision, row: Row | None, now: datetime
) -> dict[str, object]:
    report, timing, prices = parsed.report, parsed.timing, parsed.prices
    old, new = report.old, report.new
    cause = row["cause"] if row else _TRIGGERS.get(report.trigger or "", SwitchCause.MANUAL)
    return {
        "now": now,
        "client_id": agent["client_id"],
        "agent_id": agent["id"],
        "expected_epoch": agent["epoch"],
        "moves_primary": decision.moves_primary,
        "switch_id": row["id"] if row else str(uuid.uuid4()),
        "report_key": _report_key(parsed),
        "cause": cause,
        "old_instance_id": old.instance_id,
        "old_instance_type": old.instance_type,
        "old_az": old.az,
        "old_mode": old.mode,
        "old_pool_id": old.pool_id,
        "new_instance_id": new.instance_id,
        "new_instance_type": new.instance_type,
        "new_region": new.region,
        "new_az": new.az,
        "new_ami_id": new.ami_id,
        "new_mode": new.mode,
        "new_pool_id": new.pool_id,
        "new_is_steady": new.is_complete,
        "ondemand_price": prices.ondemand,
        "old_spot_price": prices.old_spot,
        "new_spot_price": prices.new_spot,
        "savings_impact": savings_impact(prices, old.mode, new.mode),
        "image_id": report.image_id,
        "snapshot_id": report.snapshot_id,
        "initiated_at": timing.initiated_at,
        "image_created_at": timing.image_created_at,
        "launched_at": timing.launched_at,
        "ready_at": timing.ready_at,
        "cut_over_at": timing.cut_over_at,
        "old_terminated_at": timing.old_terminated_at,
        "message": (
            f"{agent['logical_agent_id']} switched from {old.instance_id} ({old.mode}) "
            f"to {new.instance_id} ({new.mode})"
        ),
    }
