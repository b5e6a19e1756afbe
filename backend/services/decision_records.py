"""Decisions as they are written down, and as orders."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from backend.domain.agent_config import DEFAULT_TERMINATE_WAIT_SECONDS
from backend.domain.commands import Priority
from backend.domain.modes import Mode
from backend.domain.pools import parse_pool_name, pool_of
from backend.engines.guard import Verdict
from backend.engines.host import Answer
from backend.services.decision_inputs import Subject, pass_start
from decision_engines.contract import Action, DecisionInput, PoolFacts

GuardOutcome = Literal["stay", "allowed", "refused"]
# What the database's labels say: of a decision, and of a risk.
Outcome = Literal["kept", "lost", "moved", "move_failed", "not_fetched", "replaced"]
RiskOutcome = Literal["survived", "lost", "censored"]
Encoded = dict[int, orjson.Fragment]
LONGEST_REASON = 500
LONGEST_ORDER_REASON = 255


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision about one agent, and what the guard said."""

    subject: Subject
    answer: Answer
    verdict: Verdict

    @property
    def is_move(self) -> bool:
        """Whether something other than staying is advised."""
        return self.answer.decision.action is not Action.STAY

    @property
    def is_urgent(self) -> bool:
        """Whether the present instance is in more danger than its owner accepts."""
        return self.answer.decision.risk > self.subject.standing.limits.risk_threshold

    @property
    def target_mode(self) -> Mode:
        """Where the agent will be bought after the decision."""
        action = self.answer.decision.action
        if action is Action.STAY:
            return Mode(self.subject.given.mode.value)
        return Mode.SPOT if action is Action.SWITCH_SPOT else Mode.ONDEMAND

    @property
    def present_pool_id(self) -> str | None:
        """The pool that the instance runs in; None on on-demand."""
        given = self.subject.given
        return pool_of(given.instance_type, given.az, Mode(given.mode.value))

    @property
    def reason(self) -> str:
        """One sentence: why not, else why."""
        if self.verdict.refusals:
            return self.verdict.refusals[0][1][:LONGEST_REASON]
        return self.answer.decision.reasons[0][:LONGEST_REASON]


def record_of(judged: Judged, command_id: str | None, encoded: Encoded) -> dict[str, Any]:
    """Return the decision as the log keeps it.

    Args:
        judged: The decision.
        command_id: What it was ordered with; None when nothing was ordered.
        encoded: Candidates that are encoded already: many agents of a pass have the same ones.
    """
    decision, answer = judged.answer.decision, judged.answer
    row = judged.subject.row
    return {
        "client_id": row["client_id"],
        "agent_id": row["agent_id"],
        "instance_id": row["instance_id"],
        "present_mode": judged.subject.given.mode.value,
        "present_pool_id": judged.present_pool_id,
        "action": decision.action.value,
        "recommended_mode": judged.target_mode.value,
        "target_pool_id": decision.target_pool_id,
        "risk_score": round(decision.risk, 4),
        "saving": round(decision.expected_saving_usd_per_hour, 6),
        "allowed": int(judged.verdict.is_allowed),
        "reason": judged.reason,
        "source": answer.source.value,
        "fallback_cause": answer.cause[:500] if answer.cause else None,
        "engine_type": answer.engine.name,
        "engine_version": answer.engine.version,
        "model_version": answer.engine.model_version,
        "input_data": _input_of(judged.subject.given, encoded),
        "output_decision": {
            "reasons": decision.reasons,
            "confidence": decision.confidence,
            "target_risk": decision.target_risk,
            "alternatives": decision.alternatives,
            "parameters": dict(answer.engine.parameters),
        },
        "guard_outcome": _guard_outcome(judged),
        "guard": [[reason.value, text] for reason, text in judged.verdict.refusals] or None,
        "command_id": command_id,
    }


def order_of(judged: Judged, now: datetime) -> dict[str, Any]:
    """Return the permitted move as an order; its key makes a repeat in the same pass the same."""
    row, mode = judged.subject.row, judged.target_mode
    pools = judged.verdict.pools
    target = pools[0] if pools else None
    wait = row["terminate_wait_seconds"] or DEFAULT_TERMINATE_WAIT_SECONDS
    engine = judged.answer.engine.name
    return {
        "agent_id": row["agent_id"],
        "switch_id": str(uuid.uuid4()),
        "command_id": str(uuid.uuid4()),
        "idempotency_key": f"decision:{row['epoch']}:{pass_start(now):%Y%m%dT%H%M}",
        "epoch": row["epoch"],
        "instance_id": row["instance_id"],
        "reason": judged.reason[:LONGEST_ORDER_REASON],
        "old_pool_id": judged.present_pool_id,
        "new_az": parse_pool_name(target).az if target else None,
        "new_mode": mode.value,
        "new_pool_id": target,
        # Only agents of ours read it. A voluntary move never ends on-demand against its word.
        "payload": {"pools": pools, "allow_ondemand": False},
        "priority": int(Priority.ENGINE_URGENT if judged.is_urgent else Priority.ENGINE),
        "terminate_wait_seconds": wait if row["auto_terminate_enabled"] else 0,
        "created_by": f"engine:{engine}"[:100],
        "message": f"Switch of {row['logical_agent_id']} to {target or mode.value} advised by"
        f" {engine}"[:LONGEST_REASON],
    }


def _guard_outcome(judged: Judged) -> GuardOutcome:
    if not judged.is_move:
        return "stay"
    return "allowed" if judged.verdict.is_allowed else "refused"


def _input_of(given: DecisionInput, encoded: Encoded) -> dict[str, Any]:
    """Return everything that the engine was told and that other columns do not hold."""
    price = given.ondemand_price
    key = id(given.candidates)
    if key not in encoded:
        encoded[key] = orjson.Fragment(orjson.dumps([_pool_of(p) for p in given.candidates]))
    return {
        "type": given.instance_type,
        "region": given.region,
        "az": given.az,
        "ondemand_price": None if price is None else float(price),
        "in_place_seconds": int(given.in_place_for.total_seconds()),
        "last_switch_at": given.last_switch_at,
        "switches": [given.switches_last_day, given.switches_last_week],
        "min_saving_percent": given.min_saving_percent,
        "risk_threshold": given.risk_threshold,
        "own_pool": _pool_of(given.own_pool) if given.own_pool else None,
        "candidates": encoded[key],
    }


def _pool_of(pool: PoolFacts) -> dict[str, Any]:
    """Return what is known of a pool; what is absent is unknown, or 0 for counts."""
    facts = {
        "price": float(pool.price),
        "price_at": pool.price_at,
        "risk": round(pool.risk, 6),
        "last_loss_at": pool.last_loss_at,
        "losses": pool.decayed_losses,
        "capacity_errors": pool.decayed_capacity_errors,
        "volatility": pool.volatility,
        "cooling_until": pool.cooling_until,
    }
    return {"pool_id": pool.pool_id, **{name: value for name, value in facts.items() if value}}
