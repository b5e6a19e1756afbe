"""Commands: what an instance may be asked, how urgently, and how that ends."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Final

from backend.domain.state_machine import StateMachine

CLASSIC_PROTOCOL: Final = 4  # every installed agent: no sync, no journal, no idempotency
NATIVE_PROTOCOL: Final = 5  # our agent: journals commands by id, so it may be handed one again

OUTCOME_UNKNOWN: Final = "outcome_unknown"  # the lease ran out; nobody said how it ended
UNSUPPORTED: Final = "unsupported"  # the agent could not have understood it

# An image, a launch and two waiters of 5 minutes each; installed agents acknowledge at the end.
_CLASSIC_LEASE = timedelta(minutes=15)
_NATIVE_LEASE = timedelta(minutes=10)  # renewed by every sync of a living holder


_STEP = re.compile(r"(?P<step>[a-z][a-z_]{0,31}): ")


class CommandStatus(StrEnum):
    """Where a command stands."""

    PENDING = "pending"
    LEASED = "leased"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class CommandType(StrEnum):
    """What an instance is asked to do."""

    SWITCH = "switch"
    CREATE_REPLICA = "create_replica"
    PROMOTE = "promote"
    RETIRE_INSTANCE = "retire_instance"
    SNAPSHOT = "snapshot"
    VERIFY_PRIMARY = "verify_primary"
    RESCUE = "rescue"
    CLEANUP = "cleanup"
    INVENTORY = "inventory"
    UNINSTALL = "uninstall"


class Priority(IntEnum):
    """How urgent a command is; the higher goes first."""

    EMERGENCY = 100
    MANUAL = 75
    ENGINE_URGENT = 50
    ENGINE = 25
    SCHEDULED = 10


COMMAND_MACHINE: Final[StateMachine[CommandStatus]] = StateMachine(
    name="command",
    transitions={
        CommandStatus.PENDING: frozenset(
            {
                CommandStatus.LEASED,
                CommandStatus.FAILED,  # unsupported: refused before anybody was handed it
                CommandStatus.CANCELLED,
                CommandStatus.EXPIRED,
            }
        ),
        CommandStatus.LEASED: frozenset(
            {
                CommandStatus.COMPLETED,
                CommandStatus.FAILED,
                CommandStatus.CANCELLED,
                CommandStatus.EXPIRED,
            }
        ),
        CommandStatus.COMPLETED: frozenset(),
        CommandStatus.FAILED: frozenset(),
        CommandStatus.CANCELLED: frozenset(),
        CommandStatus.EXPIRED: frozenset(),
    },
)

# Each of these starts an instance: executed twice, it leaks one.
LAUNCHING_TYPES: Final = frozenset(
    {CommandType.SWITCH, CommandType.CREATE_REPLICA, CommandType.RESCUE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What an executor's report makes of a command; unchanged means that it was a repeat."""

    status: CommandStatus
    changed: bool


def failed_step_of(message: str) -> str:
    """Return the step that a failure report names: agents of ours write ``"{step}: {reason}"``.

    Installed agents say only that it failed: then it is ``execution``.
    """
    match = _STEP.match(message)
    return match["step"] if match else "execution"


def deliverable(command_type: CommandType, protocol: int) -> bool:
    """Tell whether an agent of this protocol may be handed this type.

    Installed agents take every type that they do not know for a switch.
    """
    return protocol >= NATIVE_PROTOCOL or command_type is CommandType.SWITCH


def lease_duration(protocol: int, terminate_wait_seconds: int) -> timedelta:
    """Return how long a holder may be silent about a command before its lease runs out.

    The wait before the old instance is retired is part of the work, so it is added.
    """
    base = _NATIVE_LEASE if protocol >= NATIVE_PROTOCOL else _CLASSIC_LEASE
    return base + timedelta(seconds=terminate_wait_seconds)


def acknowledge(
    status: CommandStatus,
    outcome_code: str | None,
    success: bool,  # noqa: FBT001 - the wire's own word, in the wire's order
) -> Acknowledgement:
    """Judge an executor's report of how a command ended.

    A leased command ends as reported. One that failed only because its lease ran out
    (``outcome_unknown``) is still resolved by the late report, also by a late "failed": its
    outcome is known now. The same report again changes nothing.

    Raises:
        IllegalTransition: The command was never handed out, was called off, or has ended
            otherwise.
    """
    reported = CommandStatus.COMPLETED if success else CommandStatus.FAILED
    is_unresolved = status is CommandStatus.FAILED and outcome_code == OUTCOME_UNKNOWN
    if status is CommandStatus.LEASED or is_unresolved:
        return Acknowledgement(status=reported, changed=True)
    if status is reported:
        return Acknowledgement(status=status, changed=False)
    raise COMMAND_MACHINE.illegal(status, reported)
