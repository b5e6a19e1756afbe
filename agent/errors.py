"""The family of errors that the agent raises on purpose; facts travel as attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class AgentError(Exception):
    """Something went wrong."""


class ConfigError(AgentError):
    """A setting has a value that cannot be used."""


class AlreadyRunning(AgentError):
    """Another agent works on the same state folder."""


class ImdsUnavailable(AgentError):
    """The instance metadata service does not answer, or not as it should."""


class WorkerStuck(AgentError):
    """A worker keeps failing in a way that nobody foresaw."""


class TransientError(AgentError):
    """Asking again later may help; ``retry_after`` is the other side's wish in seconds."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class TransientBackendError(TransientError):
    """The backend could not be asked, or could not answer.

    ``is_broken`` tells that it was there and failed over this very request.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, is_broken: bool = False
    ) -> None:
        self.is_broken = is_broken
        super().__init__(message, retry_after=retry_after)


class PermanentBackendError(AgentError):
    """The backend said no, and will say no again.

    ``code`` is its machine word, None when the answer is not from a backend of ours.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.details = dict(details or {})
        super().__init__(message)

    @property
    def is_unknown_route(self) -> bool:
        """Whether an older backend has no such address."""
        return self.status in {404, 405} and self.code is None

    @property
    def is_unknown_agent(self) -> bool:
        """Whether the backend does not know who asks, or what is asked about."""
        return self.status == 404 and self.code is not None  # noqa: PLR2004 - HTTP's own


class AwsError(AgentError):
    """AWS refused or failed."""


class AwsUnavailable(TransientError, AwsError):
    """AWS cannot be reached, or failed inside."""


class AwsThrottled(TransientError, AwsError):
    """AWS asks for fewer calls."""


class AwsRejected(AwsError):
    """AWS refuses this call; ``code`` is its own word."""

    def __init__(self, message: str, *, code: str) -> None:
        self.code = code
        super().__init__(message)


class AwsNotFound(AwsRejected):
    """AWS does not know the thing that was named."""


class InsufficientCapacity(AwsRejected):
    """This pool cannot launch now; another one may."""


class ActionFailed(AgentError):
    """A step of an action cannot be done; ``step`` names it."""

    def __init__(self, step: str, reason: str) -> None:
        self.step = step
        self.reason = reason
        super().__init__(f"{step}: {reason}")


class Interrupted(AgentError):
    """The action has to let go now."""


class Parked(Interrupted):
    """The agent stops, or something more urgent waits; the journal knows how to go on."""


class Superseded(Interrupted):
    """Another instance is the primary now: this one must not act any more."""


class Deferred(Interrupted):
    """The action is not due yet; look again in ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"not due for {seconds:.0f} s")
