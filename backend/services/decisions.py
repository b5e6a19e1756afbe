"""Deciding: the whole fleet in one pass, or one agent that is asked about."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.engines.guard import Census, Refusal, Verdict, judge
from backend.engines.host import Answer, EngineHost, Source
from backend.errors import NotFound, UniqueViolation
from backend.repositories import clean_prices, decision_log, decision_orders
from backend.services.decision_inputs import Subject, read_census, read_subjects
from backend.services.decision_records import Encoded, Judged, order_of, record_of
from backend.services.model_predictions import ModelPredictions
from decision_engines.contract import Action, Decision
from decision_engines.rule_based_engine import RuleBasedEngine

logger = logging.getLogger(__name__)

Trigger = Literal["job", "request"]

FETCH_WITHIN = timedelta(hours=1)  # a switch that nobody fetched for so long is no longer wanted
BATCH_ROWS = 1000  # decisions in one statement, about a megabyte
ORDERS = 100  # switches in one transaction
ORDER_ATTEMPTS = 3
LABEL_AFTER = timedelta(hours=1)
LABEL_STEP = timedelta(minutes=15)
LABEL_AGAIN = timedelta(hours=3)  # before the last run: moves that were under way then
LABEL_BACK = timedelta(hours=26)  # when runs were missed, no further than that
LABEL_JOB = "label_outcomes"


@dataclass(frozen=True, slots=True)
class PassResult:
    """What one pass over the fleet did."""

    decided: int
    advised: int
    ordered: int
    fallbacks: int


class Decisions:
    """Asks the engine, guards what it says, writes it down, and orders what may be done.

    ``client_id`` None is an operator, who asks about any client's agents.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        host: EngineHost,
        predictions: ModelPredictions | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._host = host
        self._predictions = predictions

    def decide_fleet(self, *, now: datetime) -> PassResult:
        """Decide about every agent that engines may move, and order the permitted moves.

        Idempotent within a pass of five minutes: orders have a key, and an agent has at most one
        open switch. No engine runs inside a transaction.
        """
        subjects, census = self._database.run("read_fleet", lambda s: _read_fleet(s, now))
        judged, elapsed_ms = self._judge(subjects, census)
        ordered = self._order([item for item in judged if item.verdict.is_allowed], now)
        encoded: Encoded = {}
        records = [
            record_of(item, ordered.get(item.subject.given.agent_id), encoded) for item in judged
        ]
        self._log(records, "job", elapsed_ms, now)
        if self._predictions is not None:
            self._predictions.record(subjects, now)
        result = PassResult(
            decided=len(judged),
            advised=sum(item.is_move for item in judged),
            ordered=len(ordered),
            fallbacks=sum(item.answer.cause is not None for item in judged),
        )
        logger.info(
            "Decided about %d agents: %d moves advised, %d ordered",
            result.decided,
            result.advised,
            result.ordered,
            extra={"action": "fleet_decided", "fallback_count": result.fallbacks},
        )
        return result

    def decide(self, client_id: str | None, agent_id: str) -> Judged:
        """Decide about one agent now and write it down. Nothing is ordered: the next pass does it.

        About a disabled agent no engine is asked and nothing is written: it stays.

        Raises:
            NotFound: the client has no such agent, or it has no instance.
        """
        now = self._clock.now()
        judged, elapsed_ms = self._judge_one(client_id, agent_id, now)
        if not judged.subject.standing.is_enabled:
            return judged
        self._log([record_of(judged, None, {})], "request", elapsed_ms, now)
        return judged

    def recommend(self, client_id: str | None, agent_id: str) -> Judged:
        """Decide about one agent now; writes nothing.

        Raises:
            NotFound: the client has no such agent, or it has no instance.
        """
        return self._judge_one(client_id, agent_id, self._clock.now())[0]

    def label_outcomes(self, *, now: datetime) -> int:
        """Write what became of the decisions since the last run; return how many were labelled.

        Idempotent: what is labelled stays, what is under way waits for a later run. Missed hours
        are caught up with, a day at most.
        """
        last = self._database.run(
            "find_last_done", lambda s: clean_prices.find_last_done(s, LABEL_JOB)
        )
        earliest = now - LABEL_BACK
        count, until = 0, now - LABEL_AFTER
        since = max(earliest, last - LABEL_AFTER - LABEL_AGAIN) if last else earliest
        while since < until:
            end = min(since + LABEL_STEP, until)
            count += self._database.run(
                "label_outcomes",
                lambda s, since=since, end=end: decision_log.label_outcomes(  # type: ignore[misc]
                    s, since=since, until=end, now=now
                ),
            )
            since = end
        return count

    def _judge_one(self, client_id: str | None, agent_id: str, now: datetime) -> tuple[Judged, int]:
        def read(session: Session) -> tuple[list[Subject], Census]:
            subjects = read_subjects(session, now=now, client_id=client_id, agent_id=agent_id)
            owner = subjects[0].standing.client_id if subjects else ""
            return subjects, read_census(session, now=now, client_id=owner)

        subjects, census = self._database.run("read_agent", read)
        if not subjects:
            raise NotFound("Unknown agent, or one without an instance", field="agent_id")
        if not subjects[0].standing.is_enabled:
            return _idle(subjects[0]), 0
        judged, elapsed_ms = self._judge(subjects, census)
        return judged[0], elapsed_ms

    def _judge(self, subjects: Sequence[Subject], census: Census) -> tuple[list[Judged], int]:
        """Return the decisions with the guard's verdicts, and what the engine took, in ms."""
        begun = self._clock.monotonic()
        answers = self._host.decide([subject.given for subject in subjects])
        elapsed_ms = round((self._clock.monotonic() - begun) * 1000)
        cases = [
            (subject.given, subject.standing, answer.decision)
            for subject, answer in zip(subjects, answers, strict=True)
        ]
        verdicts = judge(cases, census)
        judged = [
            Judged(subject, answer, verdict)
            for subject, answer, verdict in zip(subjects, answers, verdicts, strict=True)
        ]
        return judged, elapsed_ms

    def _order(self, moves: Sequence[Judged], now: datetime) -> dict[str, str]:
        """Order the moves, some in each transaction; return the commands by agent."""
        ordered: dict[str, str] = {}
        for first in range(0, len(moves), ORDERS):
            orders = [order_of(move, now) for move in moves[first : first + ORDERS]]
            ordered |= self._order_batch(orders, now)
        return ordered

    def _order_batch(self, orders: Sequence[Row], now: datetime) -> dict[str, str]:
        def write(tx: Transaction) -> dict[str, str]:
            commands = decision_orders.order_switches(
                tx, orders, now=now, expires_at=now + FETCH_WITHIN
            )
            tx.commit()
            return commands

        for _ in range(ORDER_ATTEMPTS - 1):
            try:
                return self._database.transact("order_switches", write)
            except UniqueViolation:  # somebody else opened a switch: the repeat passes it over
                continue
        return self._database.transact("order_switches", write)

    def _log(
        self, records: Sequence[Row], trigger_source: Trigger, elapsed_ms: int, now: datetime
    ) -> None:
        for first in range(0, len(records), BATCH_ROWS):
            batch = records[first : first + BATCH_ROWS]

            def write(tx: Transaction, batch: Sequence[Row] = batch) -> None:
                decision_log.insert_decisions(
                    tx,
                    batch,
                    trigger_source=trigger_source,
                    execution_time_ms=elapsed_ms,
                    now=now,
                )
                tx.commit()

            self._database.transact("log_decisions", write)


def _read_fleet(session: Session, now: datetime) -> tuple[list[Subject], Census]:
    subjects = read_subjects(session, now=now)
    return subjects, read_census(session, now=now)


def _idle(subject: Subject) -> Judged:
    """Return the decision about an agent that is switched off: nobody is asked."""
    sentence = "the agent is disabled"
    decision = Decision(
        agent_id=subject.given.agent_id,
        action=Action.STAY,
        risk=subject.given.own_pool.risk if subject.given.own_pool else 0.0,
        confidence=1.0,
        reasons=(sentence,),
    )
    answer = Answer(decision, Source.RULES, RuleBasedEngine().info())
    return Judged(
        subject, answer, Verdict(is_allowed=False, refusals=((Refusal.DISABLED, sentence),))
    )
