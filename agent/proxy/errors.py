"""How an exchange fails: with an answer, or because nobody is there to hear one."""

from __future__ import annotations

from collections.abc import Mapping

from agent.errors import AgentError


class Refused(AgentError):
    """The caller gets this status and sentence; ``code`` is the machine's word for it."""

    def __init__(
        self,
        status: int,
        code: str,
        sentence: str,
        *,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.sentence = sentence
        self.headers = dict(headers or {})
        self.details = dict(details or {})
        super().__init__(sentence)


class CallerGone(AgentError):
    """The caller hung up, or reads nothing any more."""


class AnswerBroken(AgentError):
    """The backend stopped in the middle of its answer, whose beginning is already sent."""
