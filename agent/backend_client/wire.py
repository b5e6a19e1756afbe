"""What the backend's answers mean, as typed values. Nothing untyped leaves this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.backend_client.commands import Command, parse_commands
from agent.errors import TransientBackendError


@dataclass(frozen=True)
class Registered:
    """The answer to a registration; ``role`` and ``epoch`` are None from an old backend."""

    agent_id: str
    client_id: str | None
    role: str | None
    epoch: int | None
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Synced:
    """The answer to a sync; ``config`` is None while it has not changed."""

    role: str
    epoch: int
    enabled: bool
    config_version: int | None
    config: Mapping[str, Any] | None
    commands: Sequence[Command]
    server_time: str | None
    primary_instance_id: str | None = None
    emergency_plan: Mapping[str, Any] | None = None  # None while it has not changed


@dataclass(frozen=True)
class RetirementAnswer:
    """Whether an instance may be ended; ``role`` is None when the backend never saw it."""

    may_retire: bool
    reason: str
    role: str | None
    epoch: int


def parse_registered(answer: Any) -> Registered:
    """Read the answer to a registration.

    Raises:
        TransientBackendError: it is not one.
    """
    body = _object(answer, "register")
    config = body.get("config")
    role, epoch = body.get("role"), body.get("epoch")
    return Registered(
        agent_id=_text(body, "agent_id"),
        client_id=body.get("client_id") or None,
        role=role if isinstance(role, str) and isinstance(epoch, int) else None,
        epoch=epoch if isinstance(role, str) and isinstance(epoch, int) else None,
        config=config if isinstance(config, dict) else {},
    )


def parse_synced(answer: Any) -> Synced:
    """Read the answer to a sync.

    Raises:
        TransientBackendError: it is not one.
    """
    body = _object(answer, "sync")
    config, version = body.get("config"), body.get("config_version")
    plan = body.get("emergency_plan")
    return Synced(
        role=_text(body, "role"),
        epoch=_whole(body, "epoch"),
        enabled=bool(body.get("enabled", True)),
        config_version=version if isinstance(version, int) else None,
        config=config if isinstance(config, dict) else None,
        commands=parse_commands(body, is_classic=False),
        server_time=body.get("server_time"),
        primary_instance_id=body.get("primary_instance_id") or None,
        emergency_plan=plan if isinstance(plan, dict) else None,
    )


def parse_retirement(answer: Any) -> RetirementAnswer:
    """Read the judgement about an instance.

    Raises:
        TransientBackendError: it is not one.
    """
    body = _object(answer, "retirement")
    return RetirementAnswer(
        may_retire=body.get("may_retire") is True,
        reason=str(body.get("reason")),
        role=body.get("role"),
        epoch=_whole(body, "epoch"),
    )


def _object(answer: Any, what: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise TransientBackendError(f"{what}: the answer is no object")
    return answer


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise TransientBackendError(f"The answer has no {name}")
    return value


def _whole(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise TransientBackendError(f"The answer has no whole number {name}")
    return value
