"""One HTTP request to the backend: its address, its credentials, and what its failure means."""

from __future__ import annotations

import threading
from typing import Any

import requests
from requests.auth import AuthBase

from agent import VERSION
from agent.errors import PermanentBackendError, TransientBackendError
from agent.secret import Secret

_CONNECT_SECONDS = 3.0
_READ_SECONDS = 10.0
_TRANSIENT = frozenset({408, 425, 429})
_REDIRECT, _ERROR, _SERVER_ERROR = 300, 400, 500
_LONGEST_MESSAGE = 300


class Transport:
    """Sends requests; every thread has its own connection. Paths start with a slash.

    ``base_url`` may have a path prefix, which is kept.
    """

    def __init__(self, base_url: str, token: Secret, instance_id: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._instance_id = instance_id
        self._threads = threading.local()

    def request(
        self, method: str, path: str, body: object = None, *, read_seconds: float = _READ_SECONDS
    ) -> Any:
        """Return the decoded answer; an empty one is ``{}``.

        Raises:
            TransientBackendError: no answer, an overloaded or broken backend, or no JSON.
            PermanentBackendError: the backend refuses this request.
        """
        try:
            response = self._session().request(
                method,
                self._base_url + path,
                json=body,
                timeout=(_CONNECT_SECONDS, read_seconds),
                allow_redirects=False,  # a redirected POST would arrive as a GET
            )
        except requests.RequestException as error:
            reason = type(error).__name__
            raise TransientBackendError(f"{method} {path}: no answer ({reason})") from error
        if response.status_code >= _REDIRECT:
            raise _failure(f"{method} {path}", response)
        if not response.content:
            return {}
        try:
            return response.json()
        except ValueError as error:
            raise TransientBackendError(f"{method} {path}: the answer is not JSON") from error

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = requests.Session()
            session.auth = _Bearer(self._token)
            session.headers.update(
                {
                    "Content-Type": "application/json",
                    "User-Agent": f"spot-optimizer-agent/{VERSION}",
                    "X-Instance-Id": self._instance_id,
                }
            )
            self._threads.session = session
        return session


class _Bearer(AuthBase):
    """Sets the token last, so that no .netrc of the host replaces it."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request


def _failure(what: str, response: requests.Response) -> Exception:
    status = response.status_code
    body = _body_of(response)
    sentence = str(body.get("error") or response.reason or "")[:_LONGEST_MESSAGE]
    message = f"{what}: status {status} {sentence}".rstrip()
    details = body.get("details")
    facts = details if isinstance(details, dict) else {}
    if status in _TRANSIENT or status >= _SERVER_ERROR or "retry_after_seconds" in facts:
        return TransientBackendError(
            message,
            retry_after=_retry_after(response, facts),
            is_broken=status == _SERVER_ERROR,
        )
    if status < _ERROR:
        message = f"{message}: redirected to {response.headers.get('Location', 'nowhere')}"
    code = body.get("code")
    return PermanentBackendError(
        message, status=status, code=code if isinstance(code, str) else None, details=facts
    )


def _body_of(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(response: requests.Response, facts: dict[str, Any]) -> float | None:
    text = response.headers.get("Retry-After") or str(facts.get("retry_after_seconds", ""))
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 3600 else None  # noqa: PLR2004 - an hour
