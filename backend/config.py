"""Settings: read once from the environment and ``.env``, checked strictly, then frozen.

An empty variable counts as unset. A variable that is set is honoured or refused, never ignored.
"""

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from backend.errors import ConfigError

SAMPLE_SECRETS = frozenset(
    {"change-me", "changeme", "secret", "your-secret-key", "your-secret-key-here", "dev"}
)
SHORTEST_SECRET = 16
_DOTTED_CLASS = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"


def _strict_bool(value: object) -> object:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, str):
        if value.strip().lower() not in words:
            msg = "must be true or false"
            raise ValueError(msg)
        return words[value.strip().lower()]
    return value


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        msg = "must be networks such as 10.1.0.0/16, separated by commas"
        raise ValueError(msg) from None


Flag = Annotated[bool, BeforeValidator(_strict_bool)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_networks)]


class Settings(BaseModel):
    """Every setting of the backend. Aliases are the environment's names; docs/settings.md lists them."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    db_host: str | None = Field(None, alias="DB_HOST", max_length=255)
    db_port: int = Field(3306, alias="DB_PORT", ge=1, le=65535)
    db_name: str = Field("spot_optimizer", alias="DB_NAME", pattern=r"^[A-Za-z0-9_]{1,64}$")
    db_user: str = Field("spot_optimizer", alias="DB_USER", min_length=1, max_length=80)
    db_password: SecretStr = Field(SecretStr(""), alias="DB_PASSWORD")
    db_pool_size: int = Field(16, alias="DB_POOL_SIZE", ge=1, le=128)
    db_pool_wait_seconds: float = Field(5.0, alias="DB_POOL_WAIT_SECONDS", ge=0.1, le=60)

    host: str = Field("127.0.0.1", alias="HOST", min_length=1)
    port: int = Field(5000, alias="PORT", ge=1, le=65535)
    web_workers: int = Field(2, alias="WEB_WORKERS", ge=1, le=64)
    web_threads: int = Field(8, alias="WEB_THREADS", ge=1, le=64)
    trusted_proxies: int = Field(0, alias="TRUSTED_PROXIES", ge=0, le=5)
    max_body_bytes: int = Field(2_000_000, alias="MAX_BODY_BYTES", ge=10_000, le=100_000_000)

    flask_env: Literal["development", "production"] = Field("development", alias="FLASK_ENV")
    secret_key: SecretStr = Field(SecretStr(""), alias="SECRET_KEY")
    local_dir: Path = Field(Path(".local"), alias="LOCAL_DIR")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", alias="LOG_LEVEL")
    log_format: Literal["json", "plain"] = Field("json", alias="LOG_FORMAT")

    agent_heartbeat_timeout_seconds: int = Field(
        120, alias="AGENT_HEARTBEAT_TIMEOUT", ge=5, le=86_400
    )
    agent_heartbeat_interval_seconds: int = Field(
        30, alias="AGENT_HEARTBEAT_INTERVAL", ge=1, le=3600
    )
    max_price_usd_per_hour: Decimal = Field(
        Decimal(100), alias="MAX_PRICE_USD_PER_HOUR", gt=0, le=10_000
    )
    token_cache_seconds: float = Field(5.0, alias="TOKEN_CACHE_SECONDS", ge=0, le=60)

    channel_allowed_networks: Networks | None = Field(None, alias="CHANNEL_ALLOWED_NETWORKS")

    enable_background_jobs: Flag = Field(True, alias="ENABLE_BACKGROUND_JOBS")
    enable_sef: Flag = Field(True, alias="ENABLE_SEF")
    enable_ml_decisions: Flag = Field(True, alias="ENABLE_ML_DECISIONS")
    decision_engine_class: str = Field(
        "decision_engines.ml_based_engine.MLBasedDecisionEngine",
        alias="DECISION_ENGINE_CLASS",
        pattern=_DOTTED_CLASS,
    )
    ml_models_dir: Path = Field(Path("./models"), alias="ML_MODELS_DIR")
    allow_engine_upload: Flag = Field(False, alias="ALLOW_ENGINE_UPLOAD")
    legacy_dashboard_dir: Path | None = Field(None, alias="LEGACY_DASHBOARD_DIR")

    @model_validator(mode="after")
    def _production_needs_a_secret(self) -> Self:
        secret = self.secret_key.get_secret_value()
        if self.is_production and (
            len(secret) < SHORTEST_SECRET or secret.lower() in SAMPLE_SECRETS
        ):
            msg = "SECRET_KEY: at least 16 characters, not the sample, when FLASK_ENV=production"
            raise ValueError(msg)
        return self

    @property
    def is_production(self) -> bool:
        """Whether FLASK_ENV says production."""
        return self.flask_env == "production"

    @property
    def uses_private_database(self) -> bool:
        """Whether the program starts its own database server (DB_HOST is not set)."""
        return self.db_host is None

    @property
    def scorer_socket(self) -> Path:
        """Where this node's scorer listens."""
        return self.local_dir.resolve() / "scorer.sock"

    @property
    def heartbeat_timeout(self) -> timedelta:
        """How long a primary may be silent before it counts as offline."""
        return timedelta(seconds=self.agent_heartbeat_timeout_seconds)

    @property
    def heartbeat_interval(self) -> timedelta:
        """How often agents are expected to beat."""
        return timedelta(seconds=self.agent_heartbeat_interval_seconds)


def load_settings(environ: Mapping[str, str], env_file: Path | None = Path(".env")) -> Settings:
    """Read the settings; the environment wins over ``.env``.

    In development an empty SECRET_KEY is replaced by one kept in ``LOCAL_DIR/secret_key`` (0600).

    Raises:
        ConfigError: names the variable, and what is allowed.
    """
    settings = read_settings(environ, env_file)
    if not settings.secret_key.get_secret_value():
        secret = _development_secret(settings.local_dir)
        settings = settings.model_copy(update={"secret_key": SecretStr(secret)})
    return settings


def read_settings(environ: Mapping[str, str], env_file: Path | None) -> Settings:
    """Read the settings as they stand, the secret key possibly empty; writes nothing.

    Raises:
        ConfigError: names the variable, and what is allowed.
    """
    try:
        from_file = dotenv_values(env_file) if env_file and env_file.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{env_file} cannot be read: {error}") from error
    merged = {**from_file, **environ}
    present = {name: value for name, value in merged.items() if value not in (None, "")}
    try:
        return Settings.model_validate(present)
    except ValidationError as error:
        raise _config_error(error) from None


def _config_error(error: ValidationError) -> ConfigError:
    first = error.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else first["msg"].split(":")[0].split(", ")[-1]
    sentence = re.sub(r"^Value error, ", "", first["msg"])
    return ConfigError(f"{name}: {sentence}", key=name)


def _development_secret(local_dir: Path) -> str:
    """Return the kept key; the first caller of several makes it, and it appears whole or not."""
    path = local_dir / "secret_key"
    try:
        if not path.is_file():
            local_dir.mkdir(parents=True, exist_ok=True)
            draft = local_dir / f"secret_key.{os.getpid()}"
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(32), encoding="ascii")
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
            draft.unlink()
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise ConfigError(
            f"LOCAL_DIR: {path} cannot be written or read ({error.strerror})", key="LOCAL_DIR"
        ) from error
