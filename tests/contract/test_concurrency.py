"""Many at once: one agent per name, one primary per agent, one step of the epoch per change."""

from tests.contract.orders import SILENCE, delete_agent, order_switch, registered, registration
from tests.contract.serving import World, in_parallel

THREADS = 20


def _register(world: World, instance_id: str, **facts) -> dict:
    answer = world.alpha.post("agents/register", registration(instance_id, **facts))
    assert answer.status_code == 200, answer.text
    return answer.json()


def _one_primary(world: World, agent_id: str) -> str:
    roles = world.roles(agent_id)
    (primary,) = [instance for instance, role in roles.items() if role == "primary"]
    assert world.agent(agent_id)["primary_instance_id"] == primary
    return primary


def test_one_identity_registering_20_times_at_once_is_one_agent(world: World):
    answers = in_parallel(THREADS, lambda _n: _register(world, "i-0aaa"))

    assert len({answer["agent_id"] for answer in answers}) == 1
    assert {(answer["role"], answer["epoch"]) for answer in answers} == {("primary", 1)}
    assert [answer["reason"] for answer in answers].count("first") == 1
    assert world.row("SELECT COUNT(*) AS n FROM agents")["n"] == 1
    assert _one_primary(world, answers[0]["agent_id"]) == "i-0aaa"


def test_20_instances_of_one_name_at_once_have_one_primary(world: World):
    answers = in_parallel(THREADS, lambda n: _register(world, f"i-{n:04}"))

    agent_id = answers[0]["agent_id"]
    roles = sorted(answer["role"] for answer in answers)
    assert roles == ["candidate"] * (THREADS - 1) + ["primary"]
    assert {answer["epoch"] for answer in answers} == {1}
    assert world.agent(agent_id)["epoch"] == 1
    assert world.roles(agent_id)[_one_primary(world, agent_id)] == "primary"
    assert len(world.roles(agent_id)) == THREADS


def test_two_candidates_at_once_raise_the_conflict_all_the_same(world: World):
    for round_number in range(5):
        name = f"web-{round_number}"
        first = _register(world, "i-0aaa", logical_agent_id=name)

        in_parallel(8, lambda n, name=name: _register(world, f"i-{n:04}", logical_agent_id=name))

        assert world.agent(first["agent_id"])["identity_conflict_at"] is not None
        sql = "SELECT * FROM notifications WHERE agent_id = %(id)s AND notification_type = 'identity_conflict'"
        assert len(world.rows(sql, id=first["agent_id"])) == 1


def test_strangers_at_once_after_a_silence_make_one_take_over(world: World):
    first = _register(world, "i-0aaa")
    world.clock.advance(SILENCE)

    answers = in_parallel(THREADS, lambda n: _register(world, f"i-{n:04}"))

    assert [answer["role"] for answer in answers].count("primary") == 1
    assert world.agent(first["agent_id"])["epoch"] == 2
    assert _one_primary(world, first["agent_id"]) != "i-0aaa"
    assert len(world.switches(first["agent_id"])) == 1


def test_likely_successors_at_once_bind_one_to_the_order(world: World):
    old = registered(world)
    order_switch(world.alpha, old.agent_id)
    old.poll()

    answers = in_parallel(8, lambda n: _register(world, f"i-{n:04}", az="us-east-1b"))

    (successor,) = [
        instance for instance, role in world.roles(old.agent_id).items() if role == "successor"
    ]
    assert [answer["role"] for answer in answers].count("successor") == 1
    assert world.switches(old.agent_id)[0]["new_instance_id"] == successor


def test_a_deleted_agent_is_revived_once(world: World):
    first = _register(world, "i-0aaa")
    delete_agent(world, first["agent_id"])

    answers = in_parallel(THREADS, lambda _n: _register(world, "i-0bbb"))

    assert [answer["reason"] for answer in answers].count("revived") == 1
    assert world.agent(first["agent_id"])["epoch"] == 2


def test_reports_registrations_and_heartbeats_at_once_leave_one_primary(world: World):
    old = registered(world)
    order_switch(world.alpha, old.agent_id)
    command = old.poll()
    new = old.successor("i-0bbb", "us-east-1b")
    new.agent_id = old.agent_id
    report = old.switch_report(command, new)
    path = f"agents/{old.agent_id}"

    def work(number: int) -> int:
        calls = (
            lambda: world.alpha.post(f"{path}/switch-report", report),
            lambda: world.alpha.post("agents/register", new.body("register")),
            lambda: world.alpha.post(f"{path}/heartbeat", old.body("heartbeat")),
            lambda: world.alpha.post(f"{path}/heartbeat", new.body("heartbeat")),
        )
        return calls[number % len(calls)]().status_code

    statuses = in_parallel(THREADS, work)

    assert set(statuses) == {200}
    assert _one_primary(world, old.agent_id) == "i-0bbb"
    assert world.agent(old.agent_id)["epoch"] == 2
    assert len(world.switches(old.agent_id)) == 1


def test_first_heartbeats_at_once_of_a_forgotten_instance_make_one_row(world: World):
    agent = registered(world)
    world.write("DELETE FROM instances")
    body = agent.body("heartbeat")

    answers = in_parallel(
        12, lambda _n: world.alpha.post(f"agents/{agent.agent_id}/heartbeat", body)
    )

    assert {answer.status_code for answer in answers} == {200}
    assert world.roles(agent.agent_id) == {"i-0aaa": "primary"}


def test_agents_of_two_tenants_at_once_do_not_mix(world: World):
    tenants = (world.alpha, world.beta)

    answers = in_parallel(
        THREADS,
        lambda n: tenants[n % 2].post("agents/register", registration(f"i-{n:04}")).json(),
    )

    assert len({answer["agent_id"] for answer in answers}) == 2
    for tenant in tenants:
        rows = world.rows("SELECT * FROM instances WHERE client_id = %(c)s", c=tenant.client_id)
        assert len(rows) == THREADS // 2
