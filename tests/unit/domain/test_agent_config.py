import json
from decimal import Decimal

import pytest

from backend.domain.agent_config import (
    AgentConfig,
    config_from,
    effective_terminate_wait,
    to_wire,
)

ROW = {
    "agent_id": "a-1",
    "version": 7,
    "enabled": 1,
    "auto_switch_enabled": 0,
    "manual_replica_enabled": 1,
    "auto_terminate_enabled": 0,
    "terminate_wait_seconds": 120,
    "replica_enabled": 1,
    "replica_count": 2,
    "min_savings_percent": Decimal("12.50"),
    "risk_threshold": Decimal("0.25"),
    "max_switches_per_day": 4,
    "max_switches_per_week": 9,
    "min_pool_duration_hours": 3,
    "updated_at": None,
}


def test_config_is_told_as_json_numbers_and_booleans():
    wire = to_wire(config_from(ROW))

    assert json.loads(json.dumps(wire)) == {
        "version": 7,
        "enabled": True,
        "auto_switch_enabled": False,
        "manual_replica_enabled": True,
        "auto_terminate_enabled": False,
        "terminate_wait_seconds": 120,
        "replica_enabled": True,
        "replica_count": 2,
        "min_savings_percent": 12.5,
        "risk_threshold": 0.25,
        "max_switches_per_day": 4,
        "max_switches_per_week": 9,
        "min_pool_duration_hours": 3,
    }
    assert [name for name, value in wire.items() if isinstance(value, bool)] == [
        "enabled",
        "auto_switch_enabled",
        "manual_replica_enabled",
        "auto_terminate_enabled",
        "replica_enabled",
    ]


def test_new_agent_is_told_the_defaults_that_installed_agents_know():
    wire = to_wire(AgentConfig())

    assert wire["enabled"] is True
    assert wire["min_savings_percent"] == 15.0
    assert wire["risk_threshold"] == 0.3
    assert wire["max_switches_per_week"] == 10
    assert wire["min_pool_duration_hours"] == 2


def test_config_needs_every_column():
    with pytest.raises(KeyError, match="risk_threshold"):
        config_from({name: value for name, value in ROW.items() if name != "risk_threshold"})


@pytest.mark.parametrize(
    ("auto_terminate", "wait", "effective"),
    [(True, 300, 300), (True, 60, 60), (True, 0, 300), (False, 300, 0), (False, 0, 0)],
)
def test_wait_of_zero_always_means_keep(auto_terminate, wait, effective):
    config = AgentConfig(auto_terminate_enabled=auto_terminate, terminate_wait_seconds=wait)

    assert effective_terminate_wait(config) == effective
