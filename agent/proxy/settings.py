"""Settings of the proxy: read once, checked strictly, then frozen."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from agent.environment import Environment
from agent.errors import ConfigError
from agent.secret import Secret

_SHORTEST_PASSWORD = 12
_LARGEST_BODY = 10_000_000_000
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Backend:
    """Where requests go. ``prefix`` is the path of the address, without a slash at its end."""

    host: str
    port: int
    authority: str
    prefix: str
    tls: ssl.SSLContext | None


@dataclass(frozen=True)
class Login:
    """What an operator types, and the token that is added for who typed it right."""

    user: str
    password: Secret
    token: Secret


@dataclass(frozen=True)
class ProxySettings:
    """Every setting of the proxy. Timeouts are seconds, sizes bytes."""

    backend: Backend
    host: str
    port: int
    connect_timeout: float
    read_timeout: float
    client_timeout: float
    idle_timeout: float
    max_connections: int
    max_body_bytes: int
    trust_forwarded: bool
    login: Login | None
    log_dir: Path | None
    log_format: str
    log_level: str


def load_proxy_settings(environ: Mapping[str, str]) -> ProxySettings:
    """Read the settings.

    Raises:
        ConfigError: names the variable, and what is allowed.
    """
    read = Environment(environ)
    if read.text("BACKEND_URL") is None:
        raise ConfigError("BACKEND_URL: must be set to the backend's address")
    backend = _backend(read.url("BACKEND_URL", ""))
    host, port = read.text("PROXY_HOST") or "127.0.0.1", read.whole("PROXY_PORT", 5000, 65_535)
    if backend.port == port and backend.host in _LOOPBACK and host in {*_LOOPBACK, "0.0.0.0"}:  # noqa: S104 - compared, not bound
        raise ConfigError("BACKEND_URL: is the proxy itself; change it, or PROXY_PORT")
    return ProxySettings(
        backend=backend,
        host=host,
        port=port,
        connect_timeout=read.seconds("PROXY_CONNECT_TIMEOUT", 3),
        read_timeout=read.seconds("PROXY_READ_TIMEOUT", 60),
        client_timeout=read.seconds("PROXY_CLIENT_TIMEOUT", 30),
        idle_timeout=read.seconds("PROXY_IDLE_TIMEOUT", 15),
        max_connections=_from_one(read, "PROXY_MAX_CONNECTIONS", 64, 1024),
        max_body_bytes=_from_one(read, "PROXY_MAX_BODY_BYTES", 110_000_000, _LARGEST_BODY),
        trust_forwarded=read.flag("PROXY_TRUST_FORWARDED", default=False),
        login=_login(read),
        log_dir=Path(found) if (found := read.text("LOG_DIR")) else None,
        log_format=read.choice("LOG_FORMAT", "json", "plain"),
        log_level=read.choice("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR"),
    )


def _backend(url: str) -> Backend:
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as error:
        raise ConfigError("BACKEND_URL: its port must be 1 to 65535") from error
    if parts.username is not None or parts.query or parts.fragment or not parts.hostname:
        raise ConfigError("BACKEND_URL: must be scheme, host, port and path, nothing else")
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    return Backend(parts.hostname, port, parts.netloc, parts.path, tls)


def _login(read: Environment) -> Login | None:
    user = read.text("PROXY_LOGIN_USER")
    if user is None:
        return None
    if not user.isascii() or not user.isprintable() or ":" in user:
        raise ConfigError("PROXY_LOGIN_USER: must be printable ASCII without a colon")
    password = read.secret("PROXY_LOGIN_PASSWORD")
    if len(password.reveal()) < _SHORTEST_PASSWORD:
        raise ConfigError(
            f"PROXY_LOGIN_PASSWORD: must have {_SHORTEST_PASSWORD} characters or more"
        )
    return Login(user, password, read.secret("PROXY_TOKEN"))


def _from_one(read: Environment, name: str, default: int, most: int) -> int:
    value = read.whole(name, default, most)
    if value == 0:
        raise ConfigError(f"{name}: must be a whole number from 1 to {most}")
    return value
