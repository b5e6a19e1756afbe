"""Ordering a switch: by API users, who may repeat themselves and be many."""

from datetime import timedelta

import pytest

from backend.services.callers import Scope
from tests.contract.orders import POOL_B, native, order_switch, registered
from tests.contract.serving import World, blamed, in_parallel


def _issue(world: World, agent_id: str, key: str | None = None, **body):
    return world.alpha.post(
        f"agents/{agent_id}/issue-switch-command",
        {"target_mode": "spot", "target_pool_id": POOL_B, **body},
        headers={"Idempotency-Key": key} if key else None,
    )


def _force(world: World, instance_id: str, **body):
    return world.alpha.post(f"client/instances/{instance_id}/force-switch", body)


def test_an_order_is_a_command_and_an_open_switch(world: World):
    agent = registered(world)

    answer = _issue(world, agent.agent_id, reason="cheaper")

    assert answer.status_code == 200  # an installed dashboard takes 201 for a failure
    body = answer.json()
    assert body["success"] is True
    assert (body["target_mode"], body["target_pool_id"]) == ("spot", POOL_B)
    assert (body["agent_id"], body["reason"]) == (agent.agent_id, "cheaper")
    assert body["auto_switch_enabled"] is True
    command = world.command(body["command_id"])
    assert (command["status"], command["priority"]) == ("pending", 75)
    assert (command["instance_id"], command["command_type"]) == ("i-0aaa", "switch")
    switch = world.switches(agent.agent_id)[0]
    assert (switch["status"], switch["cause"]) == ("requested", "manual")
    assert (switch["old_pool_id"], switch["new_pool_id"]) == ("m5.large.us-east-1a", POOL_B)
    shown = world.alpha.get(f"agents/{agent.agent_id}").json()
    assert shown["status"] == "switching"


def test_the_pool_defaults_to_the_cheapest_with_a_fresh_price(world: World):
    agent = registered(world)
    agent.report_prices()

    assert _issue(world, agent.agent_id, target_pool_id="").json()["target_pool_id"] == (
        "m5.large.us-east-1d"
    )


def test_a_spot_order_without_a_pool_or_a_fresh_price_is_refused(world: World):
    agent = registered(world)
    agent.report_prices()
    world.clock.advance(timedelta(minutes=16))

    answer = _issue(world, agent.agent_id, target_pool_id=None)

    assert (answer.status_code, answer.json()["details"]["field"]) == (400, "target_pool_id")
    assert world.switches(agent.agent_id) == []


def test_an_order_to_where_the_agent_is_already_is_a_polite_no(world: World):
    agent = registered(world)

    answer = _issue(world, agent.agent_id, target_pool_id="m5.large.us-east-1a")

    assert answer.status_code == 200
    assert answer.json()["success"] is False
    assert answer.json()["current_pool_id"] == "m5.large.us-east-1a"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"target_mode": "moon"}, "target_mode"),
        ({"target_mode": None}, "target_mode"),
        ({"target_pool_id": "m5.large"}, "target_pool_id"),
        ({"target_pool_id": "c5.large.us-east-1b"}, "target_pool_id"),
        ({"target_pool_id": "m5.large.eu-west-1b"}, "target_pool_id"),
        ({"priority": 100}, "priority"),
        ({"priority": None}, "priority"),
        ({"priority": 2**70}, "priority"),
        ({"reason": "x" * 256}, "reason"),
    ],
)
def test_a_bad_order_names_the_field_and_leaves_nothing(world: World, body: dict, field: str):
    agent = registered(world)
    before = world.fingerprint()

    answer = _issue(world, agent.agent_id, **body)

    assert (answer.status_code, blamed(answer)) == (400, {field})
    assert world.fingerprint() == before


def test_a_disabled_agent_takes_no_orders(world: World):
    agent = registered(world)
    world.write("UPDATE agent_configs SET enabled = 0")

    assert _issue(world, agent.agent_id).status_code == 400
    assert world.switches(agent.agent_id) == []


def test_without_auto_switch_only_force_switch_is_allowed(world: World):
    agent = registered(world)
    world.write("UPDATE agent_configs SET auto_switch_enabled = 0")

    refused = _issue(world, agent.agent_id)

    assert refused.status_code == 403
    assert refused.json()["details"]["auto_switch_enabled"] is False
    assert _force(world, "i-0aaa", target="pool", pool_id=POOL_B).json()["success"] is True


def test_force_switch_has_manual_priority_and_the_agents_waiting_time(world: World):
    registered(world)
    world.write("UPDATE agent_configs SET terminate_wait_seconds = 42")

    answer = _force(world, "i-0aaa", target="ondemand")

    command = world.command(answer.json()["command_id"])
    assert (command["priority"], command["terminate_wait_seconds"]) == (75, 42)
    assert (command["target_mode"], command["target_pool_id"]) == ("ondemand", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "target"),
        ({"target": "moon"}, "target"),
        ({"target": "pool"}, "pool_id"),
        (
            {"target": "spot", "pool_id": POOL_B, "new_instance_type": "c5.large"},
            "new_instance_type",
        ),
    ],
)
def test_a_bad_force_switch_names_the_field(world: World, body: dict, field: str):
    registered(world)

    answer = _force(world, "i-0aaa", **body)

    assert (answer.status_code, answer.json()["details"]["field"]) == (400, field)


def test_force_switch_of_an_instance_that_is_no_primary_is_a_conflict(world: World):
    registered(world)
    registered(world, "i-0bbb")

    assert _force(world, "i-0bbb", target="ondemand").status_code == 409
    assert _force(world, "i-0zzz", target="ondemand").status_code == 404


def test_a_second_order_conflicts_and_names_both_states(world: World):
    agent = registered(world)
    order_switch(world.alpha, agent.agent_id)

    answer = _issue(world, agent.agent_id, target_mode="ondemand", target_pool_id=None)

    assert answer.status_code == 409
    details = answer.json()["details"]
    assert (details["present_state"], details["requested_state"]) == ("requested", "requested")


def test_an_agent_has_one_open_switch_however_many_ask_at_once(world: World):
    agent = registered(world)

    answers = in_parallel(20, lambda _n: _issue(world, agent.agent_id))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
    assert len(world.switches(agent.agent_id)) == 1
    assert world.row("SELECT COUNT(*) AS n FROM commands")["n"] == 1


def test_a_repeat_with_the_same_key_returns_the_first_answer(world: World):
    agent = registered(world)

    first = _issue(world, agent.agent_id, key="order-1")
    again = _issue(world, agent.agent_id, key="order-1")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["command_id"] == again.json()["command_id"]
    assert first.json()["target_pool_id"] == again.json()["target_pool_id"]
    assert len(world.switches(agent.agent_id)) == 1


def test_concurrent_repeats_with_one_key_all_get_the_first_answer(world: World):
    agent = registered(world)

    answers = in_parallel(20, lambda _n: _issue(world, agent.agent_id, key="order-1"))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["command_id"] for answer in answers}) == 1
    assert len(world.switches(agent.agent_id)) == 1


def test_a_repeat_after_the_end_still_returns_the_first_answer(world: World):
    agent = native(world)
    first = _issue(world, agent.agent_id, key="order-1").json()
    (command,) = agent.sync()
    agent.acknowledge(command, success=False)

    again = _issue(world, agent.agent_id, key="order-1").json()

    assert again["command_id"] == first["command_id"]
    assert len(world.switches(agent.agent_id)) == 1


def test_a_key_belongs_to_one_agent(world: World):
    one = registered(world)
    other = registered(world, "i-0bbb", logical_agent_id="web-2")

    first, second = (
        _issue(world, agent.agent_id, key="order-1").json()["command_id"] for agent in (one, other)
    )

    assert first != second


def test_a_key_has_a_longest_length(world: World):
    agent = registered(world)

    answer = _issue(world, agent.agent_id, key="k" * 129)

    assert (answer.status_code, answer.json()["details"]["field"]) == (400, "Idempotency-Key")


def test_a_token_of_an_agent_may_not_order(world: World):
    agent = registered(world)
    tenant = world.new_tenant("Gamma", Scope.AGENT)

    answer = tenant.post(f"agents/{agent.agent_id}/issue-switch-command", {"target_mode": "spot"})

    assert answer.status_code == 403


def test_the_list_of_agents_is_paged_in_logical_order(world: World):
    for number in range(5):
        registered(world, f"i-{number}", logical_agent_id=f"web-{4 - number}")

    seen, after = [], None
    while True:
        query = f"agents?limit=2{f'&after={after}' if after else ''}"
        page = world.alpha.get(query).json()
        seen += [agent["logical_agent_id"] for agent in page["agents"]]
        assert page["total"] == 5
        after = page["next"]
        if after is None:
            break

    assert seen == [f"web-{number}" for number in range(5)]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "after=%FF", "after=W10="])
def test_a_bad_page_is_refused(world: World, query: str):
    answer = world.alpha.get(f"agents?{query}")

    assert (answer.status_code, blamed(answer)) == (400, {query.partition("=")[0]})
