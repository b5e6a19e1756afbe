"""Whose message is it? Installed agents name their instance in some messages only."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.errors import InvalidRequest

# What agents send when they could not read their own identity.
_NOBODY = frozenset({"", "unknown", "none", "null"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The instance that a message comes from; None when the caller is anonymous.

    ``is_native`` tells our own agent, which puts its instance into a header of every call.
    """

    instance_id: str | None
    is_native: bool


def identify(
    *,
    body_instance_id: str | None = None,
    old_instance_id: str | None = None,
    header_instance_id: str | None = None,
    monitored_instances: Sequence[object] = (),
    lease_instance_id: str | None = None,
) -> Sender:
    """Tell who sent a message, from whatever it carries.

    In this order: the body's ``instance_id``, its ``old_instance``, the header
    ``X-Instance-Id``, the first of ``monitored_instances``, the holder of the lease of the
    command that it speaks of.

    Raises:
        InvalidRequest: The body and the header name different instances.
    """
    header = _named(header_instance_id)
    body = _named(body_instance_id)
    claim = body or _named(old_instance_id)
    if header and claim and header != claim:
        field = "instance_id" if body else "old_instance.instance_id"
        raise InvalidRequest(
            f"{field} and the header X-Instance-Id name different instances", field=field
        )
    monitored = _named(monitored_instances[0]) if monitored_instances else None
    return Sender(
        instance_id=claim or header or monitored or _named(lease_instance_id),
        is_native=header is not None,
    )


def _named(value: object) -> str | None:
    """Return the instance id that the value holds, or None when it names nobody."""
    if not isinstance(value, str):
        return None
    name = value.strip()
    return None if name.lower() in _NOBODY else name
