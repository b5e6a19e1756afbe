import stat
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from backend.config import Settings, load_settings
from backend.errors import ConfigError


def load(tmp_path: Path, file: str = "", **environ: str) -> Settings:
    """Load settings that keep their secret below ``tmp_path``, never in this checkout."""
    env_file = tmp_path / ".env"
    env_file.write_text(file)
    return load_settings({"LOCAL_DIR": str(tmp_path / "local"), **environ}, env_file)


def test_defaults_run_a_private_database_on_loopback(tmp_path):
    settings = load(tmp_path)

    assert settings.uses_private_database
    assert settings.host == "127.0.0.1"
    assert settings.port == 5000
    assert settings.heartbeat_timeout == timedelta(seconds=120)
    assert settings.max_price_usd_per_hour == Decimal(100)


def test_environment_wins_when_the_file_says_otherwise(tmp_path):
    settings = load(tmp_path, "PORT=6000\nDB_NAME=other\n", PORT="7000")

    assert settings.port == 7000
    assert settings.db_name == "other"


def test_empty_variable_counts_as_unset(tmp_path):
    settings = load(tmp_path, "DB_HOST=\nPORT=\n", DB_HOST="")

    assert settings.uses_private_database
    assert settings.port == 5000


def test_settings_load_when_there_is_no_file(tmp_path):
    settings = load_settings({"LOCAL_DIR": str(tmp_path)}, tmp_path / "absent")

    assert settings.flask_env == "development"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "65536", "65535"),
        ("PORT", "abc", "integer"),
        ("DB_POOL_SIZE", "0", "1"),
        ("DB_NAME", "drop table;", "match"),
        ("ENABLE_SEF", "maybe", "true or false"),
        ("FLASK_ENV", "staging", "production"),
        ("LOG_LEVEL", "loud", "WARNING"),
        ("DECISION_ENGINE_CLASS", "NoModule", "match"),
        ("MAX_PRICE_USD_PER_HOUR", "0", "greater than 0"),
        ("AGENT_HEARTBEAT_TIMEOUT", "4", "5"),
    ],
)
def test_bad_value_is_refused_with_its_name_and_range(tmp_path, name, value, words):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **{name: value})

    assert caught.value.facts["key"] == name
    assert name in caught.value.message
    assert words in caught.value.message


@pytest.mark.parametrize("name", ["DB_PASSWORD", "SECRET_KEY"])
def test_refused_settings_do_not_tell_secrets(tmp_path, name):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, PORT="0", **{name: "very-secret-indeed"})

    assert "very-secret-indeed" not in repr(caught.value)
    assert "very-secret-indeed" not in caught.value.message


@pytest.mark.parametrize(
    ("word", "meant"), [("true", True), ("YES", True), ("1", True), ("False", False), ("no", False)]
)
def test_switch_takes_the_usual_words(tmp_path, word, meant):
    assert load(tmp_path, ENABLE_SEF=word).enable_sef is meant


@pytest.mark.parametrize("secret", ["", "short", "change-me", "your-secret-key-here", "CHANGE-ME"])
def test_production_refuses_an_empty_or_sample_secret(tmp_path, secret):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, FLASK_ENV="production", SECRET_KEY=secret)

    assert caught.value.facts["key"] == "SECRET_KEY"


def test_production_takes_a_real_secret(tmp_path):
    settings = load(tmp_path, FLASK_ENV="production", SECRET_KEY="b2f7c1d9e8a64035")

    assert settings.is_production


def test_development_secret_is_made_once_and_is_private(tmp_path):
    first = load(tmp_path).secret_key.get_secret_value()
    again = load(tmp_path).secret_key.get_secret_value()

    mode = stat.S_IMODE((tmp_path / "local" / "secret_key").stat().st_mode)
    assert first == again
    assert len(first) >= 32
    assert mode == 0o600


def test_secrets_have_no_repr(tmp_path):
    settings = load(tmp_path, DB_PASSWORD="hunter2hunter2", SECRET_KEY="b2f7c1d9e8a64035")

    assert "hunter2" not in repr(settings)
    assert "b2f7c1d9" not in repr(settings)


def test_settings_are_frozen(tmp_path):
    settings = load(tmp_path)

    with pytest.raises(ValidationError):
        settings.port = 1


def test_local_dir_is_named_when_it_cannot_be_used(tmp_path):
    (tmp_path / "local").write_text("a file where the folder should be")

    with pytest.raises(ConfigError) as caught:
        load(tmp_path)

    assert caught.value.facts["key"] == "LOCAL_DIR"
