"""Refusals on order, and the limits on how fast calls may come."""

from dataclasses import dataclass

from simulator.errors import AnswerLost, AwsError

ANSWER_LOST = "AnswerLost"
# Calls that may come at once, and calls per second after that, of one account: EC2's own figures.
LIMITS = {"RunInstances": (5.0, 2.0), "read": (100.0, 20.0), "write": (50.0, 5.0)}


@dataclass(slots=True)
class Fault:
    """The next ``count`` calls of an action end with ``code``; a caller of "" means anybody."""

    action: str
    code: str
    count: int = 1
    caller: str = ""


class Faults:
    """The faults that were ordered. Not thread-safe: the region's lock guards it."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Have calls fail."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Forget what was ordered and has not happened."""
        self._waiting.clear()

    def before(self, action: str, caller: str) -> None:
        """Refuse the call if that was ordered.

        Raises:
            AwsError: with the ordered code.
        """
        fault = self._take(action, caller, is_loss=False)
        if fault is not None:
            status = 503 if fault.code == "RequestLimitExceeded" else 400
            raise AwsError(fault.code, f"{action} was refused on order", status)

    def after(self, action: str, caller: str) -> None:
        """Swallow the answer of a call that was carried out, if that was ordered.

        Raises:
            AnswerLost: the connection has to be cut.
        """
        if self._take(action, caller, is_loss=True) is not None:
            raise AnswerLost(action)

    def _take(self, action: str, caller: str, *, is_loss: bool) -> Fault | None:
        for fault in self._waiting:
            is_meant = fault.action == action and fault.caller in ("", caller)
            if is_meant and (fault.code == ANSWER_LOST) == is_loss:
                fault.count -= 1
                if fault.count <= 0:
                    self._waiting.remove(fault)
                return fault
        return None


class Throttle:
    """Token buckets as EC2 keeps them for an account. Not thread-safe."""

    def __init__(self, limits: dict[str, tuple[float, float]] | None) -> None:
        """Limit calls; None means never.

        Args:
            limits: ``RunInstances``, ``read`` and ``write`` to (burst, calls per second).
        """
        self._limits = limits
        self._tokens: dict[str, tuple[float, float]] = {}  # name: tokens, monotonic seconds

    def admit(self, action: str, now: float) -> None:
        """Take a token for a call at monotonic second ``now``.

        Raises:
            AwsError: RequestLimitExceeded.
        """
        if self._limits is None:
            return
        name = _bucket(action)
        burst, per_second = self._limits[name]
        tokens, at = self._tokens.get(name, (burst, now))
        tokens = min(burst, tokens + (now - at) * per_second)
        if tokens < 1:
            self._tokens[name] = (tokens, now)
            raise AwsError("RequestLimitExceeded", "Request limit exceeded.", 503)
        self._tokens[name] = (tokens - 1, now)


def _bucket(action: str) -> str:
    if action == "RunInstances":
        return action
    return "read" if action.startswith(("Describe", "Get")) else "write"
