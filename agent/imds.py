"""The instance metadata service, version 2. Absence (404) is a value; anything else an error."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any
from urllib.parse import quote

import requests

from agent.clock import Clock
from agent.errors import ImdsUnavailable

logger = logging.getLogger(__name__)

_TOKEN_SECONDS = 21_600
_RENEW_BEFORE_SECONDS = 15
_TIMEOUT_SECONDS = 2
_TRIES = 3
_OK, _UNAUTHORIZED, _NOT_FOUND = 200, 401, 404


class Imds:
    """Reads metadata with one token for many reads. Thread-safe; proxies are never used."""

    def __init__(self, endpoint: str, clock: Clock) -> None:
        self._base = f"{endpoint}/latest"
        self._clock = clock
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = False  # metadata must not leave through a proxy
        self._token = ""
        self._renew_at = 0.0

    def get(self, path: str) -> str | None:
        """Return the text at a path below ``/latest/``; None when the service has no such item.

        Raises:
            ImdsUnavailable: the service cannot be asked.
        """
        with self._lock:
            response = self._read(path)
            if response.status_code == _UNAUTHORIZED:  # the token was revoked: a new one, once
                self._renew_at = 0.0
                response = self._read(path)
        if response.status_code == _NOT_FOUND:
            return None
        if response.status_code != _OK:
            raise ImdsUnavailable(f"Metadata {path}: status {response.status_code}")
        return response.text

    def get_json(self, path: str) -> dict[str, Any] | None:
        """Return the object at a path; None when the service has no such item.

        Raises:
            ImdsUnavailable: the service cannot be asked, or the text is no JSON object.
        """
        text = self.get(path)
        if text is None:
            return None
        try:
            document = json.loads(text)
        except ValueError as error:
            raise ImdsUnavailable(f"Metadata {path}: not JSON") from error
        if not isinstance(document, dict):
            raise ImdsUnavailable(f"Metadata {path}: not an object")
        return document

    def tags(self) -> dict[str, str] | None:
        """Return the instance's tags; None when this instance does not offer them.

        Raises:
            ImdsUnavailable: the service cannot be asked.
        """
        keys = self.get("meta-data/tags/instance")
        if keys is None:
            return None
        return {
            key: self.get(f"meta-data/tags/instance/{quote(key, safe='')}") or ""
            for key in keys.splitlines()
            if key
        }

    def _read(self, path: str) -> requests.Response:
        headers = {"X-aws-ec2-metadata-token": self._current_token()}
        return self._ask("GET", path, headers)

    def _current_token(self) -> str:
        if self._clock.monotonic() >= self._renew_at:
            headers = {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)}
            response = self._ask("PUT", "api/token", headers)
            if response.status_code != _OK or not response.text.isprintable():
                raise ImdsUnavailable(f"No metadata token: status {response.status_code}")
            self._token = response.text
            self._renew_at = self._clock.monotonic() + _TOKEN_SECONDS - _RENEW_BEFORE_SECONDS
        return self._token

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> requests.Response:
        failure: requests.RequestException | None = None
        for _ in range(_TRIES):
            try:
                return self._session.request(
                    method,
                    f"{self._base}/{path}",
                    headers=headers,
                    timeout=_TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
            except requests.RequestException as error:  # noqa: PERF203 - at most three times
                failure = error
        reason = type(failure).__name__
        raise ImdsUnavailable(f"Metadata {path}: no answer ({reason})") from failure
