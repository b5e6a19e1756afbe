"""The verdict on an emergency: arithmetic on a hand-made world."""

from dataclasses import replace

import pytest

from simulator.drills.emergency_evidence import (
    EmergencyBooks,
    EmergencyEvidence,
    EventEntry,
    NotificationEntry,
    ReplicaEntry,
)
from simulator.drills.emergency_figures import judge_emergency
from simulator.drills.evidence import CommandEntry
from simulator.light.diary import Notice
from tests.simulator.test_figures import BOOKS, GOOD, NEW, OLD, OURS, SWITCH, at, machine

EVENT = EventEntry(
    event_id="e-1",
    agent_id="a-1",
    instance_id="i-old",
    signal_type="termination-notice",
    status="failed_over",
    subject_role="primary",
    received_at=at(51),
    new_instance_id="i-new",
    committed_at=at(54),
    verified_at=at(58),
)
REPLICA = ReplicaEntry(
    replica_id="r-1",
    agent_id="a-1",
    kind="automatic-termination",
    status="promoted",
    event_id="e-1",
    instance_id="i-new",
)
TOLD = NotificationEntry(
    agent_id="a-1",
    notification_type="failed_over",
    severity="warning",
    message="web-1 runs elsewhere",
    created_at=at(54),
)
NOTICED = replace(OLD, notice_at=at(50), deadline_at=at(70))
RESCUED = replace(NEW, tags={**OURS, "ReplicaId": "r-1"})
SEEN = Notice(
    instance_id="i-old",
    logical_agent_id="web-1",
    signal="termination-notice",
    seen_at=at(51),
    told_at=at(51),
    answered_at=at(51.4),
    handed_over_at=at(54.1),
)
SAVED = EmergencyEvidence(
    base=replace(
        GOOD,
        machines=[NOTICED, RESCUED],
        books=replace(BOOKS, switches=[replace(SWITCH, cause="termination")]),
        taken_at=at(100),
    ),
    books=EmergencyBooks(events=[EVENT], replicas=[REPLICA], notifications=[TOLD]),
    doors={"web-1": ("eipalloc-1", "arn/tg-1")},
    led_to={("eipalloc-1", "i-new"): at(56), ("arn/tg-1", "i-new"): at(57)},
    holders={"eipalloc-1": frozenset({"i-new"}), "arn/tg-1": frozenset({"i-new"})},
    notices=[SEEN],
    fresh_epochs={"a-1": 1},
)


def written(**changes) -> EmergencyEvidence:
    return replace(SAVED, books=replace(SAVED.books, **changes))


def seen(*machines) -> EmergencyEvidence:
    return replace(SAVED, base=replace(SAVED.base, machines=list(machines)))


def test_figures_of_an_emergency_that_went_well():
    verdict = judge_emergency(SAVED)

    assert verdict.broken == []
    figures = verdict.figures
    assert figures["notice_to_committed"] == {"p50": 4.0, "p99": 4.0, "max": 4.0}
    assert figures["notice_to_traffic"]["max"] == 7.0
    assert figures["notice_to_verified"]["max"] == 8.0
    assert figures["backend_answer"]["p99"] == 0.4
    assert figures["light_hand_over"]["p99"] == 3.1
    assert figures["event_outcomes"] == {"termination-notice: failed_over": 1}
    assert figures["notifications"] == {"warning failed_over": 1}
    assert (figures["promoted"], figures["notices"]) == (1, 1)


STRAY = machine("i-stray", 80, launched_by="i-old", tags={**OURS, "ReplicaId": "r-2"})
GONE = replace(REPLICA, replica_id="r-2", status="terminated", instance_id="i-stray")


@pytest.mark.parametrize(
    ("evidence", "figure", "culprit"),
    [
        (written(events=[]), "unheard_notices", "i-old"),
        (written(events=[EVENT, replace(EVENT, event_id="e-2")]), "repeated_events", "i-old"),
        (written(events=[replace(EVENT, status="responding")]), "open_events", "e-1"),
        (
            written(replicas=[REPLICA, replace(REPLICA, replica_id="r-2", status="syncing")]),
            "superfluous_replacements",
            "e-1",
        ),
        (seen(NOTICED, RESCUED, STRAY), "stray_replicas", "i-stray"),
        (
            replace(
                seen(NOTICED, RESCUED, STRAY), books=replace(SAVED.books, replicas=[REPLICA, GONE])
            ),
            "stray_replicas",
            "i-stray",
        ),
        (replace(SAVED, fresh_epochs={"a-1": 0}), "repeated_promotions", "web-1"),
        (
            replace(SAVED, holders={**SAVED.holders, "arn/tg-1": frozenset({"i-new", "i-old"})}),
            "doors_led_astray",
            "tg-1",
        ),
        (replace(SAVED, holders={"arn/tg-1": frozenset({"i-new"})}), "doors_led_astray", "nobody"),
    ],
)
def test_broken_promise_is_counted_and_names_the_culprit(evidence, figure, culprit):
    verdict = judge_emergency(evidence)

    assert verdict.figures[figure] == 1
    assert any(culprit in sentence for sentence in verdict.broken)


def test_noticed_host_is_no_orphan_before_ec2_ends_it():
    alive = replace(NOTICED, ended_at=None)
    before = replace(
        seen(alive, RESCUED), base=replace(SAVED.base, machines=[alive, RESCUED], taken_at=at(60))
    )
    after = replace(before, base=replace(before.base, taken_at=at(71)))

    assert judge_emergency(before).figures["orphan_instances"] == 0
    assert judge_emergency(after).figures["orphan_instances"] == 1


def test_retirement_planned_for_later_is_no_lost_command():
    waiting = CommandEntry(
        command_id="k-9",
        agent_id="a-1",
        command_type="retire_instance",
        status="leased",
        not_before=at(200).isoformat(),
    )
    books = replace(SAVED.base.books, commands=[*BOOKS.commands, waiting])
    early = replace(SAVED, base=replace(SAVED.base, books=books))
    late = replace(early, base=replace(early.base, taken_at=at(201)))

    assert judge_emergency(early).figures["commands_lost"] == 0
    assert judge_emergency(late).figures["commands_lost"] == 1
