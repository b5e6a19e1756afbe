"""Settings: every variable is honoured or refused."""

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from agent.config import load_settings
from agent.cutover_settings import CutoverSettings
from agent.errors import ConfigError

AGENT = Path(__file__).resolve().parents[2] / "agent"
EXAMPLE = AGENT / ".env.example"
MINIMAL = {"SPOT_OPTIMIZER_CLIENT_TOKEN": "token-1"}

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/"

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
    "EMERGENCY_REPLICA_ENABLED": ("emergency_replica_enabled", "false", False),
    "REPLICA_SYNC_COMMAND": ("replica_sync_command", "sync --all", "sync --all"),
    "DRAIN_COMMAND": ("drain_command", "drain", "drain"),
    "DRAIN_TIMEOUT": ("drain_timeout", "5", 5.0),
    "SNAPSHOT_ON_TERMINATION": ("snapshot_on_termination", "true", True),
    "CUTOVER_COMMAND": ("cutover", "move", CutoverSettings(command="move")),
    "CUTOVER_TARGET_PORT": ("cutover", "8080", CutoverSettings(target_port=8080)),
    "CUTOVER_ELASTIC_IP_ALLOCATION_ID": (
        "cutover",
        "eipalloc-1",
        CutoverSettings(allocation_id="eipalloc-1"),
    ),
    "CUTOVER_TARGET_GROUP_ARNS": (
        "cutover",
        f"{GROUP}1, {GROUP}2,",
        CutoverSettings(target_group_arns=(f"{GROUP}1", f"{GROUP}2")),
    ),
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
        ("CUTOVER_ELASTIC_IP_ALLOCATION_ID", "1.2.3.4", "CUTOVER_ELASTIC_IP_ALLOCATION_ID: must be an id such as eipalloc-0a1b"),
        ("CUTOVER_TARGET_GROUP_ARNS", "web", "CUTOVER_TARGET_GROUP_ARNS: must be ARNs of target groups, with commas"),
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


def test_example_file_is_accepted_and_says_the_defaults():
    values = dotenv_values(EXAMPLE)

    settings = load_settings({name: value or "" for name, value in values.items()} | MINIMAL)

    assert repr(settings) == repr(load_settings(MINIMAL))


def test_example_file_and_readme_name_every_variable():
    sources = [*AGENT.glob("**/*settings.py"), AGENT / "config.py"]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    names = set(re.findall(r'(?:read\.\w+\(\s*|_from_one\(read, )"([A-Z_0-9]+)"', text))
    readme = (AGENT / "README.md").read_text(encoding="utf-8")

    assert set(dotenv_values(EXAMPLE)) == names
    assert [name for name in sorted(names) if f"`{name}`" not in readme] == []
