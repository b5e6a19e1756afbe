"""Switch reports: late, repeated, concurrent, from the wrong instance, in strange words."""

from datetime import timedelta
from decimal import Decimal

import pytest

from backend.services.succession import Succession
from tests.contract.orders import POOL_B, SILENCE, native, order_switch, registered
from tests.contract.serving import World, blamed, in_parallel


def _machine(instance_id: str, **facts) -> dict:
    return {
        "instance_id": instance_id,
        "instance_type": "m5.large",
        "region": "us-east-1",
        "az": "us-east-1a",
        "mode": "spot",
        **facts,
    }


def _report(world: World, old: str = "i-0aaa", new: str = "i-0bbb", **facts) -> dict:
    at = world.clock.now() - timedelta(minutes=1)
    return {
        "old_instance": _machine(old),
        "new_instance": _machine(new, az="us-east-1b"),
        "timing": {"switch_initiated_at": at.isoformat()},
        "trigger": "manual",
        **facts,
    }


def _send(world: World, agent_id: str, report: dict, **options) -> dict:
    answer = world.alpha.post(f"agents/{agent_id}/switch-report", report, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_report_that_nothing_announced_is_a_switch_of_its_own(world: World):
    agent = registered(world)

    answer = _send(world, agent.agent_id, _report(world, trigger="rebalance"))

    assert (answer["is_primary_moved"], answer["reason"]) == (True, "reported")
    (switch,) = world.switches(agent.agent_id)
    assert (switch["id"], switch["cause"]) == (answer["switch_id"], "rebalance")
    assert switch["command_id"] is None


def test_a_repeated_report_is_one_row_and_one_step_of_the_epoch(world: World):
    agent = registered(world)
    report = _report(world)

    answers = [_send(world, agent.agent_id, report) for _ in range(3)]

    assert [answer["is_primary_moved"] for answer in answers] == [True, False, False]
    assert len({answer["switch_id"] for answer in answers}) == 1
    assert len(world.switches(agent.agent_id)) == 1
    assert world.agent(agent.agent_id)["epoch"] == 2


def test_concurrent_repeats_are_one_row_and_one_step_of_the_epoch(world: World):
    agent = registered(world)
    report = _report(world)

    answers = in_parallel(12, lambda _n: _send(world, agent.agent_id, report))

    assert sum(answer["is_primary_moved"] for answer in answers) == 1
    assert len({answer["switch_id"] for answer in answers}) == 1
    assert len(world.switches(agent.agent_id)) == 1
    assert world.agent(agent.agent_id)["epoch"] == 2


def test_concurrent_repeats_of_a_late_report_are_one_row(world: World):
    agent = registered(world)
    world.clock.advance(SILENCE)
    registered(world, "i-0ccc")
    report = _report(world)

    answers = in_parallel(12, lambda _n: _send(world, agent.agent_id, report))

    assert not any(answer["is_primary_moved"] for answer in answers)
    assert len({answer["switch_id"] for answer in answers}) == 1
    reported = [row for row in world.switches(agent.agent_id) if row["report_key"]]
    assert [row["id"] for row in reported] == [answers[0]["switch_id"]]


def test_a_late_report_of_a_superseded_instance_touches_only_its_own_switch(world: World):
    agent = registered(world)
    order_switch(world.alpha, agent.agent_id)
    agent.poll()
    world.clock.advance(SILENCE)
    registered(world, "i-0ccc", az="us-east-1c")  # nothing explains it: it takes over
    before = (world.agent(agent.agent_id), world.roles(agent.agent_id))

    answer = _send(world, agent.agent_id, _report(world))

    assert (answer["is_primary_moved"], answer["reason"]) == (False, "superseded")
    assert (world.agent(agent.agent_id), world.roles(agent.agent_id)) == before
    row = world.row("SELECT * FROM switches WHERE id = %(id)s", id=answer["switch_id"])
    assert (row["status"], row["new_instance_id"]) == ("completed", "i-0bbb")


def test_a_late_report_never_takes_the_primary_back(world: World):
    agent = registered(world)
    first = _report(world, "i-0aaa", "i-0bbb")
    second = _report(world, "i-0bbb", "i-0ccc")
    _send(world, agent.agent_id, first)
    _send(world, agent.agent_id, second)

    for report in (first, second, _report(world, "i-0ccc", "i-0aaa"), first):
        _send(world, agent.agent_id, report)

    stored = world.agent(agent.agent_id)
    assert (stored["primary_instance_id"], stored["epoch"]) == ("i-0ccc", 3)


def test_reports_in_the_wrong_order_end_at_the_right_primary(world: World):
    agent = registered(world)

    later = _send(world, agent.agent_id, _report(world, "i-0bbb", "i-0ccc"))
    earlier = _send(world, agent.agent_id, _report(world, "i-0aaa", "i-0bbb"))
    again = _send(world, agent.agent_id, _report(world, "i-0bbb", "i-0ccc"))

    moved = [answer["is_primary_moved"] for answer in (later, earlier, again)]
    assert moved == [False, True, True]
    assert world.agent(agent.agent_id)["primary_instance_id"] == "i-0ccc"
    assert len(world.switches(agent.agent_id)) == 2


def test_the_report_finds_the_open_switch_without_naming_its_command(world: World):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    agent.poll()

    _send(world, agent.agent_id, _report(world))

    (switch,) = world.switches(agent.agent_id)
    assert (switch["command_id"], switch["status"]) == (command_id, "completed")
    command = world.command(command_id)
    assert (command["status"], command["outcome_code"]) == ("completed", "reported")


def test_a_second_report_of_one_command_does_not_overwrite_the_first(world: World):
    agent = native(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    agent.sync()
    first = _send(world, agent.agent_id, _report(world, command_id=command_id))

    second = _send(world, agent.agent_id, _report(world, "i-0aaa", "i-0ccc", command_id=command_id))

    assert second["switch_id"] != first["switch_id"]
    kept = world.row("SELECT * FROM switches WHERE id = %(id)s", id=first["switch_id"])
    assert (kept["new_instance_id"], kept["command_id"]) == ("i-0bbb", command_id)
    assert world.agent(agent.agent_id)["primary_instance_id"] == "i-0bbb"


def test_a_report_that_names_an_unknown_command_is_kept(world: World):
    agent = registered(world)

    answer = _send(world, agent.agent_id, _report(world, command_id="cmd-0001"))

    assert answer["is_primary_moved"] is True
    assert world.switches(agent.agent_id)[0]["command_id"] is None


def test_a_report_completes_a_switch_whose_outcome_was_unknown(world: World):
    agent = native(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    agent.sync()
    world.write("UPDATE commands SET status = 'failed', outcome_code = 'outcome_unknown'")
    world.write("UPDATE switches SET status = 'failed', failed_step = 'execution'")

    _send(world, agent.agent_id, _report(world, command_id=command_id))

    (switch,) = world.switches(agent.agent_id)
    assert (switch["status"], switch["failed_step"]) == ("completed", None)
    assert world.command(command_id)["status"] == "completed"


def test_the_short_names_of_times_and_prices_are_read_too(world: World):
    agent = registered(world)
    at = world.clock.now()
    report = _report(
        world,
        timing={
            "initiated_at": (at - timedelta(seconds=90)).isoformat(),
            "instance_launched_at": (at - timedelta(seconds=80)).isoformat(),
            "instance_ready_at": (at - timedelta(seconds=40)).isoformat(),
            "old_terminated_at": (at - timedelta(seconds=5)).isoformat(),
        },
        pricing={"on_demand": 0.1, "old_spot": 0.04, "new_spot": 0.05},
    )

    _send(world, agent.agent_id, report)

    (switch,) = world.switches(agent.agent_id)
    assert switch["launched_at"] == at - timedelta(seconds=80)
    assert switch["savings_impact_usd_per_hour"] == Decimal("-0.010000")
    assert world.roles(agent.agent_id)["i-0aaa"] == "terminated"


@pytest.mark.parametrize(
    ("old_mode", "new_mode", "prices", "savings"),
    [
        ("spot", "spot", {"old_spot": 0.05, "new_spot": 0.03}, "0.020000"),
        ("ondemand", "spot", {"on_demand": 0.1, "new_spot": 0.03}, "0.070000"),
        ("spot", "ondemand", {"on_demand": 0.1, "old_spot": 0.03}, "-0.070000"),
        ("ondemand", "spot", {"on_demand": 0.1, "new_spot": None}, None),
        ("ondemand", "spot", {"on_demand": 0.1, "new_spot": 0.0}, None),
        ("unknown", "spot", {"on_demand": 0.1, "new_spot": 0.03}, None),
    ],
)
def test_savings_come_from_known_prices_only(
    world: World, old_mode: str, new_mode: str, prices: dict, savings: str | None
):
    agent = registered(world)
    report = _report(world, prices=prices)
    report["old_instance"]["mode"] = old_mode
    report["new_instance"]["mode"] = new_mode

    _send(world, agent.agent_id, report)

    found = world.switches(agent.agent_id)[0]["savings_impact_usd_per_hour"]
    assert found == (Decimal(savings) if savings else None)


@pytest.mark.parametrize(
    ("spelled", "milliseconds"),
    [
        ("2026-03-02T11:59:00.123456+00:00", 123),
        ("2026-03-02T11:59:00.123456Z", 123),
        ("2026-03-02T11:59:00.123456", 123),
        ("2026-03-02T11:59:00", 0),
        ("2026-03-02T13:59:00+02:00", 0),
        ("2026-03-02 11:59:00Z", 0),
    ],
)
def test_times_are_read_in_every_spelling(world: World, spelled: str, milliseconds: int):
    agent = registered(world)

    _send(world, agent.agent_id, _report(world, timing={"switch_initiated_at": spelled}))

    found = world.switches(agent.agent_id)[0]["initiated_at"]
    assert found == world.clock.now() - timedelta(minutes=1) + timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"old_instance": None}, "old_instance"),
        ({"new_instance": "i-0bbb"}, "new_instance"),
        ({"new_instance": _machine("i-0aaa")}, "new_instance.instance_id"),
        ({"new_instance": _machine("")}, "new_instance.instance_id"),
        ({"new_instance": _machine("i-0bbb", mode="moon")}, "new_instance.mode"),
        ({"timing": "today"}, "timing"),
        ({"timing": {"switch_initiated_at": "today"}}, "timing.switch_initiated_at"),
        ({"timing": {"switch_initiated_at": 1764000000}}, "timing.switch_initiated_at"),
        ({"timing": {"switch_initiated_at": "0001-01-01T00:00:00Z"}}, "timing.switch_initiated_at"),
        (
            {"timing": {"traffic_switched_at": "9999-12-31T23:59:59.999999Z"}},
            "timing.traffic_switched_at",
        ),
        ({"timing": {"initiated_at": "9999-12-31T23:59:59-23:59"}}, "timing.initiated_at"),
        ({"prices": [0.1]}, "prices"),
        ({"prices": {"on_demand": "0.1"}}, "prices.on_demand"),
        ({"prices": {"new_spot": -0.1}}, "prices.new_spot"),
        ({"pricing": {"old_spot": -0.5}}, "pricing.old_spot"),
        ({"trigger": "t" * 65}, "trigger"),
        ({"command_id": ["x"]}, "command_id"),
    ],
)
def test_a_bad_report_names_the_field_and_leaves_nothing(world: World, facts: dict, field: str):
    agent = registered(world)
    before = world.fingerprint()

    answer = world.alpha.post(f"agents/{agent.agent_id}/switch-report", _report(world, **facts))

    assert (answer.status_code, blamed(answer)) == (400, {field}), answer.text
    assert world.fingerprint() == before


def test_a_report_for_a_deleted_agent_moves_nothing(world: World):
    agent = registered(world)
    world.write("UPDATE agents SET status = 'deleted'")

    answer = _send(world, agent.agent_id, _report(world))

    assert (answer["is_primary_moved"], answer["reason"]) == (False, "agent_deleted")
    assert world.agent(agent.agent_id)["primary_instance_id"] == "i-0aaa"


def test_an_unregistered_successor_is_known_from_the_report(world: World):
    agent = registered(world)

    _send(world, agent.agent_id, _report(world))

    new = world.instance(agent.agent_id, "i-0bbb")
    assert (new["role"], new["last_seen_at"], new["is_steady"]) == ("primary", None, 1)
    shown = world.alpha.get(f"agents/{agent.agent_id}").json()
    assert (shown["instance_id"], shown["current_pool_id"]) == ("i-0bbb", POOL_B)


def test_a_lost_report_is_made_good_by_the_acknowledgement_and_the_registration(world: World):
    agent = registered(world)
    order_switch(world.alpha, agent.agent_id)
    command = agent.poll()
    agent.acknowledge(command)  # the report before it never arrived, and is never sent again
    world.clock.advance(timedelta(seconds=30))
    agent.beat()

    agent.successor("i-0bbb", "us-east-1b").register()

    assert world.roles(agent.agent_id) == {"i-0aaa": "superseded", "i-0bbb": "primary"}
    (switch,) = world.switches(agent.agent_id)
    assert (switch["status"], switch["new_instance_id"]) == ("completed", "i-0bbb")


def test_a_lost_report_is_made_good_when_the_successor_had_registered_before(world: World):
    agent = registered(world)
    order_switch(world.alpha, agent.agent_id)
    command = agent.poll()
    new = agent.successor("i-0bbb", "us-east-1b")
    new.register()
    succession = Succession(world.database)
    silence = timedelta(seconds=120)
    assert succession.appoint_waiting(now=world.clock.now(), silence=silence) == 0

    agent.acknowledge(command)
    appointed = succession.appoint_waiting(now=world.clock.now(), silence=silence)

    assert appointed == 1
    stored = world.agent(agent.agent_id)
    assert (stored["primary_instance_id"], stored["epoch"]) == ("i-0bbb", 2)
    (switch,) = world.switches(agent.agent_id)
    assert (switch["status"], switch["reason"]) == ("completed", "switch_acknowledged")
    world.clock.advance(timedelta(seconds=91))
    new.beat()
    order_switch(world.alpha, agent.agent_id, "m5.large.us-east-1c")
