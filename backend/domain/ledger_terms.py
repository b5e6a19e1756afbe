"""Who was an agent's primary when, and when EC2 took an instance: read from what is on record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)
NOTICE_LEAD: Final = timedelta(minutes=2)  # EC2 announces an interruption that long before


@dataclass(frozen=True, slots=True)
class Takeover:
    """The instant at which an instance became its agent's primary, and whose place it took."""

    at: datetime
    instance_id: str
    replaced_id: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The spans [start, end) in which each instance was primary."""

    spans: Mapping[str, Sequence[tuple[datetime, datetime]]]

    def holds(self, instance_id: str, at: datetime) -> bool:
        """Whether the instance was primary at an instant."""
        return any(start <= at < end for start, end in self.spans.get(instance_id, ()))

    def has_served(self, instance_id: str, at: datetime) -> bool:
        """Whether the instance was or had been primary at an instant."""
        return any(start <= at for start, _ in self.spans.get(instance_id, ()))

    def edges_of(self, instance_id: str) -> Iterable[datetime]:
        """Return the instants at which the instance became or ceased to be primary."""
        return (instant for span in self.spans.get(instance_id, ()) for instant in span)


def terms_of(takeovers: Iterable[Takeover], *, primary_id: str | None) -> Terms:
    """Return who was primary when.

    Whoever the first takeover replaced was primary before it; where nobody was replaced, its
    instance was primary all along. A takeover of an instance that nobody replaced and that is not
    primary today is left out: it was reported after the agent had moved elsewhere.

    Args:
        takeovers: In any order; a repeated one of the same instance counts once, at its first.
        primary_id: Who is primary today.
    """
    ordered = _told_once(takeovers, primary_id)
    if not ordered:
        return Terms({} if primary_id is None else {primary_id: [(_BEGINNING, _END)]})
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    first = ordered[0]
    if first.replaced_id is None:
        ordered[0] = replace(first, at=_BEGINNING)
    else:
        spans[first.replaced_id] = [(_BEGINNING, first.at)]
    for takeover, following in zip(ordered, [*ordered[1:], None], strict=True):
        end = following.at if following else _END
        spans.setdefault(takeover.instance_id, []).append((takeover.at, end))
    return Terms(spans)


def taken_at(
    *, noticed_at: datetime, deadline_at: datetime | None, ended_at: datetime | None
) -> datetime | None:
    """Return when EC2 took an instance after a notice, or None when somebody ended it before.

    Args:
        noticed_at: When the notice was given.
        deadline_at: When EC2 said that it would take it; None for two minutes after the notice.
        ended_at: When it ended by other reports; None without one.
    """
    deadline = deadline_at or noticed_at + NOTICE_LEAD
    return None if ended_at is not None and ended_at < deadline else deadline


def _told_once(takeovers: Iterable[Takeover], primary_id: str | None) -> list[Takeover]:
    given = sorted(takeovers, key=lambda t: (t.at, t.instance_id, t.replaced_id or ""))
    served = {t.replaced_id for t in given if t.replaced_id != t.instance_id} | {primary_id}
    told: list[Takeover] = []
    for takeover in given:
        if takeover.instance_id not in served or takeover.instance_id == takeover.replaced_id:
            continue
        if told and told[-1].instance_id == takeover.instance_id:
            last = told[-1]
            told[-1] = replace(last, replaced_id=last.replaced_id or takeover.replaced_id)
        else:
            told.append(takeover)
    return told
