"""Settings: every variable is honoured or refused."""

import pytest

from agent.config import load_settings
from agent.errors import ConfigError

MINIMAL = {"SPOT_OPTIMIZER_CLIENT_TOKEN": "token-1"}

CHANGED = {
    "SPOT_OPTIMIZER_SERVER_URL": ("server_url", "https://b.example/base", "https://b.example/base"),
    "LOGICAL_AGENT_ID": ("logical_agent_id", "web-1", "web-1"),
    "AWS_REGION": ("aws_region", "eu-west-1", "eu-west-1"),
    "HEARTBEAT_INTERVAL": ("heartbeat_interval", "0.5", 0.5),
    "PENDING_COMMANDS_CHECK_INTERVAL": ("pending_commands_check_interval", "7", 7.0),
    "CONFIG_REFRESH_INTERVAL": ("config_refresh_interval", "61", 61.0),
    "PRICING_REPORT_INTERVAL": ("pricing_report_interval", "301", 301.0),
    "TERMINATION_CHECK_INTERVAL": ("termination_check_interval", "2", 2.0),
    "REBALANCE_CHECK_INTERVAL": ("rebalance_check_interval", "31", 31.0),
    "CLEANUP_INTERVAL": ("cleanup_interval", "60", 60.0),
    "CLEANUP_SNAPSHOTS_OLDER_THAN_DAYS": ("cleanup_snapshots_older_than_days", "8", 8),
    "CLEANUP_AMIS_OLDER_THAN_DAYS": ("cleanup_amis_older_than_days", "31", 31),
    "AUTO_TERMINATE_OLD_INSTANCE": ("auto_terminate_old_instance", "false", False),
    "TERMINATE_WAIT_TIME": ("terminate_wait_time", "0", 0.0),
    "CREATE_SNAPSHOT_ON_SWITCH": ("create_snapshot_on_switch", "no", False),
    "REPLICA_ENABLED": ("replica_enabled", "1", True),
    "REPLICA_COUNT": ("replica_count", "2", 2),
    "LOG_FORMAT": ("log_format", "plain", "plain"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_settings_honour_the_variable(name):
    field, text, value = CHANGED[name]

    settings = load_settings({**MINIMAL, name: text})

    assert getattr(settings, field) == value


@pytest.mark.parametrize("name", CHANGED)
def test_settings_take_an_empty_variable_for_unset(name):
    field = CHANGED[name][0]

    assert getattr(load_settings({**MINIMAL, name: ""}), field) == getattr(
        load_settings(MINIMAL), field
    )


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("HEARTBEAT_INTERVAL", "0", "HEARTBEAT_INTERVAL: must be 0.05 to 86400 seconds"),
        ("PRICING_REPORT_INTERVAL", "nan", "PRICING_REPORT_INTERVAL: must be 0.05 to 86400 seconds"),
        ("REPLICA_COUNT", "6", "REPLICA_COUNT: must be a whole number from 0 to 5"),
        ("AUTO_TERMINATE_OLD_INSTANCE", "maybe", "AUTO_TERMINATE_OLD_INSTANCE: must be true or false"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT: must be one of json, plain"),
        ("SPOT_OPTIMIZER_SERVER_URL", "backend:5000", "SPOT_OPTIMIZER_SERVER_URL: must be an http:// or https:// address, with a host"),
    ],
)  # fmt: skip
def test_settings_refuse_what_is_out_of_range(name, text, complaint):
    with pytest.raises(ConfigError) as caught:
        load_settings({**MINIMAL, name: text})

    assert str(caught.value) == complaint


def test_settings_refuse_a_missing_token():
    with pytest.raises(ConfigError, match="SPOT_OPTIMIZER_CLIENT_TOKEN"):
        load_settings({})


def test_settings_read_the_token_from_a_file(tmp_path):
    (tmp_path / "token").write_text("token-2\n")

    settings = load_settings({"SPOT_OPTIMIZER_CLIENT_TOKEN_FILE": str(tmp_path / "token")})

    assert settings.client_token.reveal() == "token-2"


def test_settings_do_not_show_the_token():
    assert "token-1" not in repr(load_settings(MINIMAL))


def test_sync_interval_is_the_smaller_of_the_two():
    settings = load_settings({**MINIMAL, "HEARTBEAT_INTERVAL": "4"})

    assert settings.sync_interval == 4
