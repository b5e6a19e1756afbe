"""The table of operations: what each one is called, and which parameters it understands."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from simulator.errors import AwsError
from simulator.region.region import Region

Parameters = Mapping[str, Any]
Result = dict[str, Any]


class Context(NamedTuple):
    """What an operation works with. The region's lock is held while it runs."""

    region: Region
    caller: str  # the access key; an agent's is the id of its instance


Handler = Callable[[Context, Parameters], Result]


class Operations:
    """Operations by name. A parameter that an operation would ignore is refused instead."""

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[Handler, frozenset[str]]] = {}

    def add(self, action: str, *parameters: str) -> Callable[[Handler], Handler]:
        """Return a decorator that makes a function an operation with these parameters."""

        def register(handler: Handler) -> Handler:
            self._handlers[action] = (handler, frozenset(parameters) | {"DryRun"})
            return handler

        return register

    def run(self, action: str, context: Context, parameters: Parameters) -> Result:
        """Carry out an operation.

        Raises:
            AwsError: as EC2 answers, or UnsupportedOperation for what the simulator lacks.
        """
        if action not in self._handlers:
            raise AwsError("UnsupportedOperation", f"The simulator does not know {action}")
        handler, known = self._handlers[action]
        ignored = sorted(set(parameters) - known)
        if ignored:
            raise AwsError(
                "UnsupportedOperation", f"The simulator does not know {action}({ignored[0]})"
            )
        return handler(context, parameters)


def stop_dry_run(parameters: Parameters) -> None:
    """End a dry run at the point where the real call would begin to change something.

    Raises:
        AwsError: DryRunOperation.
    """
    if parameters.get("DryRun"):
        raise AwsError(
            "DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412
        )
