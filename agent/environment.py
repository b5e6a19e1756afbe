"""Single variables of the environment; every complaint names the variable and its range."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from agent.errors import ConfigError
from agent.secret import Secret

_LONGEST = 86_400.0
_SHORTEST = 0.05  # seconds: rehearsals run faster than real time
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class Environment:
    """Variables by name; an empty one counts as unset. All methods raise ConfigError."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        """Return a text, None when unset."""
        return self._environ.get(name, "").strip() or None

    def secret(self, name: str) -> Secret:
        """Return a required credential, from the variable or the file that NAME_FILE names."""
        value, path = self.text(name), self.text(f"{name}_FILE")
        if value is None and path is not None:
            try:
                value = Path(path).read_text(encoding="utf-8").strip() or None
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{name}_FILE: {path} cannot be read") from error
        if value is None or not value.isascii() or not value.isprintable():
            raise ConfigError(
                f"{name}: must be set to the client's token (or {name}_FILE to a file)"
            )
        return Secret(value)

    def url(self, name: str, default: str) -> str:
        """Return an address without a slash at its end."""
        value = self.text(name) or default
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ConfigError(f"{name}: must be an http:// or https:// address, with a host")
        return value.rstrip("/")

    def seconds(self, name: str, default: float, *, least: float = _SHORTEST) -> float:
        """Return a duration in seconds, fractions allowed, at most a day."""
        try:
            value = float(self.text(name) or default)
        except ValueError:
            value = -1
        if not least <= value <= _LONGEST:
            raise ConfigError(f"{name}: must be {least:g} to {_LONGEST:g} seconds")
        return value

    def whole(self, name: str, default: int, most: int) -> int:
        """Return a whole number from 0 to ``most``."""
        value = self.text(name) or str(default)
        if not value.isdigit() or int(value) > most:
            raise ConfigError(f"{name}: must be a whole number from 0 to {most}")
        return int(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false."""
        value = (self.text(name) or str(default)).lower()
        if value not in _FLAGS:
            raise ConfigError(f"{name}: must be true or false")
        return _FLAGS[value]

    def choice(self, name: str, *allowed: str) -> str:
        """Return one of the allowed words; the first is the default."""
        value = self.text(name) or allowed[0]
        if value not in allowed:
            raise ConfigError(f"{name}: must be one of {', '.join(allowed)}")
        return value
