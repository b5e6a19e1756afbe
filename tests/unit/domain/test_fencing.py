"""Who becomes what, case by case. The invariants over all cases are in test_fencing_invariants."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.fencing import (
    AgentView,
    InstanceView,
    OpenSwitch,
    Registration,
    RegistrationDecision,
    ReportDecision,
    Role,
    decide_registration,
    decide_switch_report,
    find_vacancy,
    is_silent,
    promotable_candidate,
    promotable_successor,
)
from backend.domain.modes import Mode
from backend.domain.switches import SwitchStatus

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SILENCE = timedelta(seconds=120)
HEARD = NOW - SILENCE
UNHEARD = HEARD - timedelta(milliseconds=1)
OLD, NEW, OTHER = "i-old", "i-new", "i-other"


def instance(instance_id=OLD, role=Role.PRIMARY, seen=HEARD, **changes):
    values = {
        "instance_type": "m5.large",
        "az": "us-east-1a",
        "terminated": False,
        **changes,
    }
    return InstanceView(instance_id=instance_id, role=role, last_seen_at=seen, **values)


LIVING = instance()
SILENT = instance(seen=UNHEARD)
GONE = instance(terminated=True)


def agent(**changes):
    view = AgentView(
        agent_id="a-1",
        epoch=3,
        deleted=False,
        identity_conflict=False,
        primary=LIVING,
        known=None,
        open_switch=None,
        candidates=(),
    )
    return replace(view, **changes)


def switch(**changes):
    order = OpenSwitch(
        id="s-1",
        command_id="c-1",
        status=SwitchStatus.LAUNCHING,
        target_mode=Mode.SPOT,
        target_type="m5.large",
        target_az="us-east-1b",
        new_instance_id=None,
        old_instance_id=OLD,
        holder_protocol=4,
    )
    return replace(order, **changes)


def message(**changes):
    registration = Registration(
        instance_id=NEW,
        instance_type="m5.large",
        az="us-east-1b",
        mode=Mode.SPOT,
        protocol=4,
        command_id=None,
        replica_id=None,
    )
    return replace(registration, **changes)


def decide(view, registration=None):
    return decide_registration(view, registration or message(), now=NOW, silence=SILENCE)


def takes_over(reason):
    return RegistrationDecision(role=Role.PRIMARY, takes_primary=True, reason=reason)


# -- a first, a repeated and a fresh life ---------------------------------------------------------


def test_instance_creates_the_agent_when_there_is_none():
    assert decide(None) == RegistrationDecision(
        role=Role.PRIMARY, creates_agent=True, takes_primary=True, reason="first"
    )


@pytest.mark.parametrize("primary", [LIVING, SILENT, GONE])
@pytest.mark.parametrize("conflict", [False, True])
def test_primary_is_refreshed_when_it_registers_again(primary, conflict):
    view = agent(primary=primary, known=primary, identity_conflict=conflict, candidates=(OTHER,))

    assert decide(view, message(instance_id=OLD)) == RegistrationDecision(
        role=Role.PRIMARY, reason="refresh"
    )


@pytest.mark.parametrize("who", [OLD, NEW])
@pytest.mark.parametrize("known", [None, instance(NEW, Role.SUPERSEDED)])
def test_deleted_agent_starts_a_fresh_life_whoever_registers(who, known):
    view = agent(deleted=True, known=known, identity_conflict=True, candidates=(OTHER,))

    assert decide(view, message(instance_id=who)) == RegistrationDecision(
        role=Role.PRIMARY, revives_agent=True, takes_primary=True, reason="revived"
    )


# -- silence that proves nothing ------------------------------------------------------------------


@pytest.mark.parametrize("known", [None, instance(NEW, Role.SUPERSEDED)])
def test_nobody_takes_over_from_a_silent_primary_while_silence_proves_nothing(known):
    view = agent(primary=SILENT, known=known, candidates=(NEW,), counts_silence=False)

    assert find_vacancy(view, now=NOW, silence=SILENCE) is None
    assert not decide(view).takes_primary
    assert promotable_candidate(view, now=NOW, silence=SILENCE) is None


def test_primary_that_is_known_to_be_gone_is_replaced_even_then():
    view = agent(primary=GONE, counts_silence=False)

    assert decide(view) == takes_over("primary_gone")


# -- replicas -------------------------------------------------------------------------------------


@pytest.mark.parametrize("primary", [LIVING, SILENT, GONE, None])
def test_replica_stays_replica_when_it_is_known(primary):
    view = agent(primary=primary, known=instance(NEW, Role.REPLICA), open_switch=switch())

    assert decide(view) == RegistrationDecision(role=Role.REPLICA, reason="known_replica")


@pytest.mark.parametrize("primary", [LIVING, SILENT, GONE, None])
@pytest.mark.parametrize("known", [None, instance(NEW, Role.CANDIDATE)])
def test_instance_is_a_replica_when_its_launch_tag_says_so(primary, known):
    view = agent(primary=primary, known=known, candidates=(OTHER,))

    assert decide(view, message(replica_id="r-1")) == RegistrationDecision(
        role=Role.REPLICA, reason="replica_launch_tag"
    )


# -- successors -----------------------------------------------------------------------------------

TAGGED = (switch(), message(command_id="c-1", az="us-east-1f", protocol=5))
REPORTED = (switch(new_instance_id=NEW), message(az="us-east-1f"))
MATCHING = (switch(), message())
EXPLAINED = [
    pytest.param(*TAGGED, "switch_launch_tag", id="tag"),
    pytest.param(*REPORTED, "switch_reported", id="reported"),
    pytest.param(*MATCHING, "switch_matches_target", id="target"),
]


@pytest.mark.parametrize(("order", "registration", "reason"), EXPLAINED)
def test_successor_waits_while_the_old_primary_lives(order, registration, reason):
    assert decide(agent(open_switch=order), registration) == RegistrationDecision(
        role=Role.SUCCESSOR, binds_switch_id="s-1", reason=reason
    )


@pytest.mark.parametrize(("order", "registration", "reason"), EXPLAINED)
@pytest.mark.parametrize("primary", [SILENT, GONE, instance(seen=None)])
def test_successor_completes_the_switch_when_an_installed_primary_is_no_more(
    order, registration, reason, primary
):
    view = agent(open_switch=order, primary=primary)

    assert decide(view, registration) == RegistrationDecision(
        role=Role.PRIMARY,
        takes_primary=True,
        completes_switch=True,
        binds_switch_id="s-1",
        reason=reason,
    )


@pytest.mark.parametrize("holder", [5, None])
def test_successor_waits_for_a_native_primary_that_is_only_silent(holder):
    view = agent(open_switch=switch(holder_protocol=holder), primary=SILENT)

    decision = decide(view, message(command_id="c-1"))

    assert (decision.role, decision.takes_primary) == (Role.SUCCESSOR, False)


@pytest.mark.parametrize("primary", [GONE, None])
def test_successor_completes_the_switch_when_a_native_primary_is_gone(primary):
    view = agent(open_switch=switch(holder_protocol=5), primary=primary)

    decision = decide(view, message(command_id="c-1", protocol=5))

    assert (decision.role, decision.completes_switch) == (Role.PRIMARY, True)


def test_successor_stays_successor_when_it_registers_again():
    view = agent(known=instance(NEW, Role.SUCCESSOR), open_switch=switch(new_instance_id=NEW))

    assert decide(view).role is Role.SUCCESSOR


def test_candidate_becomes_successor_when_the_switch_is_bound_to_it():
    view = agent(
        known=instance(NEW, Role.CANDIDATE),
        candidates=(NEW,),
        open_switch=switch(new_instance_id=NEW),
    )

    assert decide(view).reason == "switch_reported"


def test_identity_conflict_does_not_stop_what_a_tag_explains():
    view = agent(open_switch=switch(), primary=SILENT, identity_conflict=True, candidates=(OTHER,))

    assert decide(view, message(command_id="c-1")).completes_switch


@pytest.mark.parametrize("mode", list(Mode))
def test_target_matches_whatever_mode_the_installed_agent_could_read(mode):
    assert decide(agent(open_switch=switch()), message(mode=mode)).reason == "switch_matches_target"


def test_target_that_is_left_open_is_as_on_the_old_primary():
    order = switch(target_mode=Mode.ONDEMAND, target_type=None, target_az=None)

    decision = decide(agent(open_switch=order), message(az="us-east-1a"))

    assert decision.reason == "switch_matches_target"


NOT_EXPLAINED = {
    "other zone": ({}, {}, {"az": "us-east-1c"}),
    "other type": ({}, {}, {"instance_type": "m5.xlarge"}),
    "no tag from a native agent": ({}, {}, {"protocol": 5}),
    "order held by a native agent": ({"holder_protocol": 5}, {}, {}),
    "order handed out to nobody": ({"holder_protocol": None}, {}, {}),
    "order has its instance": ({"new_instance_id": OTHER}, {}, {}),
    "tag of an order that has its instance": (
        {"new_instance_id": OTHER},
        {},
        {"command_id": "c-1"},
    ),
    "tag of another order": ({}, {}, {"command_id": "c-9", "az": "us-east-1c"}),
    "no tag and no command": ({"command_id": None}, {}, {"az": "us-east-1c"}),
    "seen before": ({}, {"known": instance(NEW, Role.CANDIDATE)}, {}),
    "conflict": ({}, {"identity_conflict": True}, {}),
    "left open, no primary to compare with": (
        {"target_az": None, "target_type": None},
        {"primary": None, "identity_conflict": False, "candidates": (OTHER,)},
        {},
    ),
}


@pytest.mark.parametrize(
    ("order", "view", "registration"), NOT_EXPLAINED.values(), ids=NOT_EXPLAINED.keys()
)
def test_instance_is_a_candidate_when_the_order_does_not_explain_it(order, view, registration):
    decision = decide(agent(open_switch=switch(**order), **view), message(**registration))

    assert (decision.role, decision.binds_switch_id) == (Role.CANDIDATE, None)


# -- the superseded and the terminated ------------------------------------------------------------

RETIRED = [
    pytest.param(instance(NEW, Role.SUPERSEDED), id="superseded"),
    pytest.param(instance(NEW, Role.TERMINATED), id="terminated"),
    pytest.param(instance(NEW, Role.REPLICA, terminated=True), id="ended replica"),
]


@pytest.mark.parametrize("known", RETIRED)
@pytest.mark.parametrize("order", [None, switch(), switch(command_id=None)])
def test_retired_instance_is_answered_politely_while_the_primary_lives(known, order):
    assert decide(agent(known=known, open_switch=order)) == RegistrationDecision(
        role=Role.SUPERSEDED, enabled=False, reason="superseded"
    )


@pytest.mark.parametrize("known", RETIRED)
@pytest.mark.parametrize(
    ("primary", "reason"),
    [(SILENT, "primary_silent"), (GONE, "primary_gone"), (None, "primary_gone")],
)
def test_retired_instance_takes_over_when_the_primary_is_no_more(known, primary, reason):
    assert decide(agent(known=known, primary=primary)) == takes_over(reason)


@pytest.mark.parametrize("known", RETIRED)
@pytest.mark.parametrize("rivalry", [{"identity_conflict": True}, {"candidates": (OTHER,)}])
def test_retired_instance_stays_retired_when_identity_is_contested(known, rivalry):
    decision = decide(agent(known=known, primary=SILENT, **rivalry))

    assert (decision.role, decision.enabled, decision.raises_conflict) == (
        Role.SUPERSEDED,
        False,
        False,
    )


def test_retired_instance_waits_for_an_appointed_primary_that_has_not_spoken_yet():
    appointed = instance(OTHER, seen=None, role_changed_at=NOW - timedelta(seconds=10))

    decision = decide(agent(primary=appointed, known=instance(NEW, Role.SUPERSEDED)))

    assert decision.role is Role.SUPERSEDED


# -- strangers ------------------------------------------------------------------------------------

UNEXPLAINED = [
    pytest.param(None, id="never seen"),
    pytest.param(instance(NEW, Role.CANDIDATE), id="candidate"),
    pytest.param(instance(NEW, Role.SUCCESSOR), id="successor without a switch"),
]


@pytest.mark.parametrize("known", UNEXPLAINED)
@pytest.mark.parametrize(
    ("primary", "reason"),
    [(SILENT, "primary_silent"), (GONE, "primary_gone"), (None, "primary_gone")],
)
@pytest.mark.parametrize("candidates", [(), (NEW,)])
def test_stranger_takes_over_when_the_primary_is_no_more(known, primary, reason, candidates):
    assert decide(agent(known=known, primary=primary, candidates=candidates)) == takes_over(reason)


@pytest.mark.parametrize("known", UNEXPLAINED)
@pytest.mark.parametrize("candidates", [(), (NEW,)])
@pytest.mark.parametrize("conflict", [False, True])
def test_stranger_is_a_candidate_while_the_primary_lives(known, candidates, conflict):
    view = agent(known=known, candidates=candidates, identity_conflict=conflict)

    assert decide(view) == RegistrationDecision(role=Role.CANDIDATE, reason="unexplained_clone")


@pytest.mark.parametrize("primary", [LIVING, SILENT, GONE, None])
@pytest.mark.parametrize("known", UNEXPLAINED)
def test_second_candidate_raises_the_conflict_and_stops_the_take_over(primary, known):
    view = agent(primary=primary, known=known, candidates=(OTHER,))

    assert decide(view) == RegistrationDecision(
        role=Role.CANDIDATE, raises_conflict=True, reason="second_candidate"
    )


def test_conflict_is_raised_once():
    view = agent(candidates=(OTHER, NEW), identity_conflict=True)

    assert decide(view) == RegistrationDecision(role=Role.CANDIDATE, reason="second_candidate")


def test_stranger_waits_for_the_operator_when_a_conflict_stands():
    view = agent(primary=SILENT, identity_conflict=True)

    assert decide(view) == RegistrationDecision(role=Role.CANDIDATE, reason="identity_conflict")


# -- silence --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "changed", "silent"),
    [
        (None, None, True),
        (HEARD, None, False),
        (UNHEARD, None, True),
        (NOW, None, False),
        (None, HEARD, False),
        (None, UNHEARD, True),
        (UNHEARD, NOW, False),
        (NOW, UNHEARD, False),
    ],
)
def test_instance_is_silent_when_unheard_for_longer_than_allowed(seen, changed, silent):
    view = instance(seen=seen, role_changed_at=changed)

    assert is_silent(view, now=NOW, silence=SILENCE) is silent


@pytest.mark.parametrize(
    ("primary", "vacancy"),
    [(LIVING, None), (SILENT, "primary_silent"), (GONE, "primary_gone"), (None, "primary_gone")],
)
def test_vacancy_is_said_in_one_word(primary, vacancy):
    assert find_vacancy(agent(primary=primary), now=NOW, silence=SILENCE) == vacancy


# -- the jobs' questions --------------------------------------------------------------------------


@pytest.mark.parametrize("primary", [SILENT, GONE, None])
def test_sole_candidate_is_promotable_when_the_primary_is_no_more(primary):
    view = agent(primary=primary, candidates=(NEW,))

    assert promotable_candidate(view, now=NOW, silence=SILENCE) == NEW


@pytest.mark.parametrize(
    "changes",
    [
        {"primary": LIVING},
        {"candidates": ()},
        {"candidates": (NEW, OTHER)},
        {"identity_conflict": True},
        {"deleted": True},
    ],
)
def test_no_candidate_is_promotable_when_anything_speaks_against_it(changes):
    view = agent(**{"primary": SILENT, "candidates": (NEW,), **changes})

    assert promotable_candidate(view, now=NOW, silence=SILENCE) is None


def bound(**changes):
    view = agent(
        primary=SILENT,
        known=instance(NEW, Role.SUCCESSOR),
        open_switch=switch(new_instance_id=NEW),
    )
    return replace(view, **changes)


@pytest.mark.parametrize("primary", [SILENT, GONE, None])
def test_bound_successor_is_promotable_when_an_installed_primary_is_no_more(primary):
    assert promotable_successor(bound(primary=primary), now=NOW, silence=SILENCE) == NEW


@pytest.mark.parametrize(
    "changes",
    [
        {"primary": LIVING},
        {"deleted": True},
        {"known": None},
        {"known": instance(NEW, Role.SUCCESSOR, seen=UNHEARD)},
        {"known": instance(NEW, Role.SUCCESSOR, terminated=True)},
        {"known": instance(NEW, Role.CANDIDATE)},
        {"known": instance(OTHER, Role.SUCCESSOR)},
        {"open_switch": None},
        {"open_switch": switch()},
        {"open_switch": switch(new_instance_id=NEW, holder_protocol=5)},
    ],
)
def test_no_successor_is_promotable_when_anything_speaks_against_it(changes):
    assert promotable_successor(bound(**changes), now=NOW, silence=SILENCE) is None


# -- switch reports -------------------------------------------------------------------------------


def report(view, old=OLD, new=NEW):
    return decide_switch_report(view, old_instance_id=old, new_instance_id=new, now=NOW)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "reported"),
        ({"primary": SILENT}, "reported"),
        ({"primary": GONE}, "reported"),
        ({"primary": None}, "primary_unknown"),
        ({"known": instance(NEW, Role.SUCCESSOR)}, "reported"),
        ({"known": instance(OLD, Role.SUPERSEDED)}, "reported"),
        ({"identity_conflict": True}, "reported"),
    ],
)
def test_report_moves_the_primary_when_the_present_one_gives_its_place_away(changes, reason):
    assert report(agent(**changes)) == ReportDecision(
        moves_primary=True, reason=reason, moved_at=NOW
    )


@pytest.mark.parametrize(
    ("changes", "old", "new", "reason"),
    [
        ({"primary": instance(NEW)}, OLD, NEW, "repeated"),
        ({"primary": instance(OTHER)}, OLD, NEW, "superseded"),
        ({"primary": instance(OTHER, terminated=True)}, OLD, NEW, "superseded"),
        ({}, None, NEW, "superseded"),
        ({}, OLD, OLD, "same_instance"),
        ({"primary": None}, OLD, OLD, "same_instance"),
        ({"deleted": True}, OLD, NEW, "agent_deleted"),
        ({"known": instance(NEW, Role.SUPERSEDED)}, OLD, NEW, "new_instance_retired"),
        (
            {"primary": None, "known": instance(NEW, Role.TERMINATED)},
            OLD,
            NEW,
            "new_instance_retired",
        ),
    ],
)
def test_report_moves_nothing_when_it_is_late_or_repeated(changes, old, new, reason):
    assert report(agent(**changes), old, new) == ReportDecision(moves_primary=False, reason=reason)
