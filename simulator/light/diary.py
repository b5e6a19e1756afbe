"""What light agents note down: for each notice when it was seen, told and answered."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class Notice:
    """One signal, as the instance that it concerns lived through it."""

    instance_id: str
    logical_agent_id: str
    signal: str
    seen_at: datetime
    told_at: datetime | None = None  # the first time the message was sent
    answered_at: datetime | None = None  # the first answer
    handed_over_at: datetime | None = None  # the answer that said so
    attempts: int = 0
    last_action: str = ""
    refusal: str = ""

    @property
    def answer_seconds(self) -> float | None:
        """How long the backend took for its first answer."""
        if self.told_at is None or self.answered_at is None:
            return None
        return (self.answered_at - self.told_at).total_seconds()


@dataclass(slots=True)
class Diary:
    """Everything that was noted; written by one thread, read when it has ended or paused."""

    notices: list[Notice] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)  # defects of a light agent itself
    server_errors: dict[str, int] = field(default_factory=dict)  # "status method": count
    refusals: dict[str, int] = field(default_factory=dict)  # "status code": count

    def note_answer(self, status: int, method: str, path: str, code: object) -> None:
        """Count an answer that was no success."""
        kind = f"{status} {method} {path.rpartition('/')[2]} {code or ''}".strip()
        book = self.server_errors if status >= 500 else self.refusals  # noqa: PLR2004 - HTTP
        if status >= 400:  # noqa: PLR2004 - HTTP
            book[kind] = book.get(kind, 0) + 1
