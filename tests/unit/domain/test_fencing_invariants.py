"""What holds for every snapshot and every message, however odd."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend.domain.fencing import (
    AgentView,
    InstanceView,
    OpenSwitch,
    Registration,
    Role,
    decide_registration,
    decide_switch_report,
    find_vacancy,
    promotable_candidate,
    promotable_successor,
)
from backend.domain.modes import Mode
from backend.domain.switches import OPEN_STATUSES, SwitchStatus

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SILENCE = timedelta(seconds=120)
IDS = st.sampled_from(["i-a", "i-b", "i-c", "i-d"])
TYPES = st.sampled_from(["m5.large", "c5.large", "unknown"])
AZS = st.sampled_from(["us-east-1a", "us-east-1b", "unknown"])
TIMES = st.none() | st.integers(-300, 5).map(lambda seconds: NOW + timedelta(seconds=seconds))
COMMANDS = st.sampled_from([None, "c-1", "c-2"])

INSTANCES = st.builds(
    InstanceView,
    instance_id=IDS,
    role=st.sampled_from(Role),
    instance_type=TYPES,
    az=AZS,
    last_seen_at=TIMES,
    terminated=st.booleans(),
    role_changed_at=TIMES,
)
SWITCHES = st.builds(
    OpenSwitch,
    id=st.just("s-1"),
    command_id=COMMANDS,
    status=st.sampled_from(sorted(OPEN_STATUSES)),
    target_mode=st.none() | st.sampled_from(Mode),
    target_type=st.none() | TYPES,
    target_az=st.none() | AZS,
    new_instance_id=st.none() | IDS,
    old_instance_id=st.none() | IDS,
    holder_protocol=st.sampled_from([None, 4, 5]),
)
AGENTS = st.builds(
    AgentView,
    agent_id=st.just("a-1"),
    epoch=st.integers(1, 9),
    deleted=st.booleans(),
    identity_conflict=st.booleans(),
    primary=st.none() | INSTANCES.map(lambda it: replace(it, role=Role.PRIMARY)),
    known=st.none() | INSTANCES,
    open_switch=st.none() | SWITCHES,
    candidates=st.lists(IDS, unique=True, max_size=3).map(tuple),
)
MESSAGES = st.builds(
    Registration,
    instance_id=IDS,
    instance_type=TYPES,
    az=AZS,
    mode=st.sampled_from(Mode),
    protocol=st.sampled_from([4, 5]),
    command_id=COMMANDS,
    replica_id=st.sampled_from([None, "r-1"]),
)


def decide(agent, message):
    return decide_registration(agent, message, now=NOW, silence=SILENCE)


def vacancy(agent):
    return find_vacancy(agent, now=NOW, silence=SILENCE)


@given(AGENTS, MESSAGES)
def test_living_primary_is_never_displaced_by_a_registration(agent, message):
    decision = decide(agent, message)

    assert not decision.takes_primary or agent.deleted or vacancy(agent) is not None


@given(AGENTS, IDS, st.none() | IDS)
def test_primary_is_displaced_only_by_its_own_report(agent, new, old):
    decision = decide_switch_report(agent, old_instance_id=old, new_instance_id=new, now=NOW)

    assert not decision.moves_primary or agent.primary is None or agent.primary.instance_id == old
    assert (decision.moved_at is not None) == decision.moves_primary


@given(st.none() | AGENTS, MESSAGES)
def test_epoch_moves_exactly_when_somebody_becomes_primary(agent, message):
    decision = decide(agent, message)

    became = decision.role is Role.PRIMARY and decision.reason != "refresh"
    assert decision.takes_primary == became


@given(st.none() | AGENTS, MESSAGES)
def test_effects_of_a_registration_do_not_contradict_each_other(agent, message):
    decision = decide(agent, message)

    exclusive = (
        decision.creates_agent,
        decision.revives_agent,
        decision.completes_switch,
        decision.raises_conflict,
    )
    assert sum(exclusive) <= 1
    assert decision.creates_agent == (agent is None)
    assert not decision.completes_switch or decision.binds_switch_id is not None
    assert not decision.raises_conflict or decision.role is Role.CANDIDATE
    assert (decision.enabled is False) == (decision.role is Role.SUPERSEDED)
    assert decision.role is not Role.TERMINATED


@given(AGENTS, MESSAGES)
def test_conflict_leaves_only_explained_ways_to_the_primary(agent, message):
    decision = decide(replace(agent, identity_conflict=True), message)

    assert not decision.takes_primary or decision.revives_agent or decision.completes_switch


@given(AGENTS, MESSAGES)
def test_only_an_unbound_or_own_switch_is_bound(agent, message):
    decision = decide(agent, message)

    assert decision.binds_switch_id is None or (
        agent.open_switch is not None
        and agent.open_switch.new_instance_id in {None, message.instance_id}
    )


@given(AGENTS)
def test_jobs_promote_nobody_while_the_primary_lives(agent):
    promoted = {
        promotable_candidate(agent, now=NOW, silence=SILENCE),
        promotable_successor(agent, now=NOW, silence=SILENCE),
    }

    assert promoted == {None} or vacancy(agent) is not None


class Life(RuleBasedStateMachine):
    """One agent and four instances that register, fall silent and report in any order.

    The state is kept as the stored procedures keep it, from the decisions alone.
    """

    def __init__(self):
        super().__init__()
        self.now = NOW
        self.epoch = 0
        self.deleted = False
        self.conflict = False
        self.primary = None
        self.rows = {}
        self.switch = None

    def view(self, instance_id):
        candidates = [r.instance_id for r in self.rows.values() if r.role is Role.CANDIDATE]
        return AgentView(
            agent_id="a-1",
            epoch=self.epoch,
            deleted=self.deleted,
            identity_conflict=self.conflict,
            primary=self.rows.get(self.primary),
            known=self.rows.get(instance_id),
            open_switch=self.switch,
            candidates=tuple(candidates),
        )

    def put(self, instance_id, role, *, seen):
        old = self.rows.get(instance_id)
        changed = old.role_changed_at if old is not None and old.role is role else self.now
        self.rows[instance_id] = InstanceView(
            instance_id=instance_id,
            role=role,
            instance_type="m5.large",
            az="us-east-1a",
            last_seen_at=self.now if seen else (old.last_seen_at if old else None),
            terminated=False,
            role_changed_at=changed,
        )

    def make_primary(self, instance_id, *, seen):
        if self.primary is not None and self.primary != instance_id:
            self.put(self.primary, Role.SUPERSEDED, seen=False)
        self.put(instance_id, Role.PRIMARY, seen=seen)
        self.primary = instance_id
        self.epoch += 1

    @rule(instance_id=IDS, command_id=COMMANDS, protocol=st.sampled_from([4, 5]))
    def register(self, instance_id, command_id, protocol):
        agent = self.view(instance_id) if self.epoch else None
        was_alive = (
            agent is not None
            and not self.deleted
            and (find_vacancy(agent, now=self.now, silence=SILENCE) is None)
        )
        before = (self.primary, self.epoch)
        message = Registration(
            instance_id=instance_id,
            instance_type="m5.large",
            az="us-east-1a",
            mode=Mode.SPOT,
            protocol=protocol,
            command_id=command_id,
            replica_id=None,
        )
        decision = decide_registration(agent, message, now=self.now, silence=SILENCE)
        if decision.revives_agent:
            self.deleted, self.conflict, self.switch = False, False, None
        if decision.takes_primary:
            self.make_primary(instance_id, seen=True)
        else:
            self.put(instance_id, decision.role, seen=True)
        self.conflict = self.conflict or decision.raises_conflict
        if decision.binds_switch_id is not None:
            self.switch = (
                None
                if decision.completes_switch
                else replace(self.switch, new_instance_id=instance_id)
            )
        assert not was_alive or (self.primary, self.epoch) == before

    @rule(holder=st.sampled_from([None, 4, 5]), command_id=COMMANDS)
    def order_switch(self, holder, command_id):
        if self.epoch and self.switch is None:
            self.switch = OpenSwitch(
                id="s-1",
                command_id=command_id,
                status=SwitchStatus.LAUNCHING,
                target_mode=Mode.SPOT,
                target_type="m5.large",
                target_az="us-east-1a",
                new_instance_id=None,
                old_instance_id=self.primary,
                holder_protocol=holder,
            )

    @rule(old=IDS, new=IDS)
    def report_switch(self, old, new):
        if not self.epoch:
            return
        before = self.primary
        decision = decide_switch_report(
            self.view(new), old_instance_id=old, new_instance_id=new, now=self.now
        )
        if decision.moves_primary:
            assert before == old
            self.make_primary(new, seen=False)
            self.switch = None

    @rule(instance_id=IDS)
    def beat(self, instance_id):
        if instance_id in self.rows:
            self.put(instance_id, self.rows[instance_id].role, seen=True)

    @rule(seconds=st.sampled_from([1, 60, 121]))
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(instance_id=IDS)
    def sweep(self, instance_id):
        view = self.view(instance_id)
        successor = promotable_successor(view, now=self.now, silence=SILENCE)
        chosen = successor or promotable_candidate(view, now=self.now, silence=SILENCE)
        if chosen is not None:
            self.switch = None if successor else self.switch
            self.make_primary(chosen, seen=False)

    @rule()
    def delete(self):
        self.deleted = self.epoch > 0

    @invariant()
    def has_exactly_one_primary(self):
        primaries = [r.instance_id for r in self.rows.values() if r.role is Role.PRIMARY]
        assert primaries == ([self.primary] if self.epoch else [])


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
