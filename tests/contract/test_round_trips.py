"""Hot calls cost one statement each once their process is warm."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from backend.services.agent_sync import LOOK_AGAIN_SECONDS
from tests.contract.counting import counted_database
from tests.contract.orders import native, order_switch, registered
from tests.contract.serving import Door, World


class Counted:
    """A world whose statements can be counted."""

    def __init__(self, world: World, sent: list[bytes]) -> None:
        self.world = world
        self._sent = sent

    def statements(self, call: Callable[[], object]) -> list[str]:
        """What a call asked the database, without its values."""
        self._sent.clear()
        call()
        return [" ".join(text.decode(errors="replace").split())[:40] for text in self._sent]


@pytest.fixture
def counted(door: Door, address, clock) -> Iterator[Counted]:
    sent: list[bytes] = []
    with counted_database(address, sent) as database:
        world = World(door, database, clock)
        yield Counted(world, sent)
        world.close()


def test_heartbeat_is_one_statement(counted: Counted):
    agent = registered(counted.world)
    agent.beat()

    asked = counted.statements(agent.beat)

    assert len(asked) == 1
    assert asked[0].startswith("UPDATE instances FORCE INDEX (PRIMARY)")


def test_pending_commands_is_one_statement_with_or_without_a_command(counted: Counted):
    agent = registered(counted.world)

    assert len(counted.statements(agent.poll)) == 1
    order_switch(counted.world.alpha, agent.agent_id)
    asked = counted.statements(lambda: agent.poll()["id"])

    assert len(asked) == 1
    assert asked[0].startswith("CALL lease_commands(")


def test_config_is_one_statement(counted: Counted):
    agent = registered(counted.world)

    assert len(counted.statements(agent.refresh_config)) == 1


@pytest.mark.parametrize("mode", ["spot", "unknown"])
def test_sync_is_one_update_when_there_is_nothing_new(counted: Counted, mode: str):
    agent = native(counted.world, mode=mode)
    agent.sync()

    asked = counted.statements(agent.sync)

    assert len(asked) == 1
    assert asked[0].startswith("UPDATE instances FORCE INDEX (PRIMARY)")


@pytest.mark.parametrize("mode", ["spot", "unknown"])
def test_sync_asks_twice_more_when_there_is_news(counted: Counted, mode: str):
    agent = native(counted.world, mode=mode)
    agent.sync()
    order_switch(counted.world.alpha, agent.agent_id)

    asked = counted.statements(agent.sync)

    assert len(agent.journal) == 1
    assert len(asked) == 3
    assert asked[1].startswith("CALL sync_agent(")
    assert asked[2].startswith("SELECT")  # what the plan for an emergency rests on
    assert len(counted.statements(agent.sync)) == 2


def test_sync_looks_again_after_a_while_whatever_it_remembers(counted: Counted):
    agent = native(counted.world)
    agent.sync()
    counted.world.clock.advance(timedelta(seconds=LOOK_AGAIN_SECONDS))
    agent.beat()

    asked = counted.statements(agent.sync)

    assert asked[0].startswith("CALL sync_agent(")
    assert all(text.startswith("SELECT") for text in asked[1:])  # the plan, and its pools anew
    assert len(asked) <= 4


@pytest.mark.parametrize("dialect", ["agent_4_0_0", "agent_3_2_0"])
def test_pricing_report_is_one_statement(counted: Counted, dialect: str):
    agent = registered(counted.world, dialect=dialect)
    agent.beat()
    agent.report_prices()
    counted.world.clock.advance(timedelta(seconds=4))

    asked = counted.statements(agent.report_prices)

    assert len(asked) == 1
    assert asked[0].startswith("CALL record_pricing_report(")


def test_a_good_token_is_looked_up_once_in_a_while(counted: Counted):
    agent = registered(counted.world)
    agent.beat()
    counted.world.clock.advance(timedelta(seconds=6))

    assert len(counted.statements(agent.beat)) == 2
    assert len(counted.statements(agent.beat)) == 1
