"""Kills the agent at the n-th dangerous moment: around every write and every call outside."""

from collections.abc import Callable
from typing import Any

from agent.backend_client.transport import Transport
from agent.documents import Documents
from tests.fakes.agent_ec2 import FakeEc2


class SimulatedCrash(BaseException):
    """kill -9: nothing may catch it, nothing runs after it."""


class Saboteur:
    """Counts dangerous moments; ``at`` is the one that kills, None lets everything live."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.count = 0
        self.where = ""

    def pass_by(self, where: str) -> None:
        """Live or die."""
        self.count += 1
        if self.count == self.at:
            self.where = where
            raise SimulatedCrash(where)

    def around(self, where: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Make a call dangerous before and after."""

        def wrapped(*args: Any, **named: Any) -> Any:
            self.pass_by(f"before {where}")
            result = call(*args, **named)
            self.pass_by(f"after {where}")
            return result

        return wrapped

    def documents(self) -> type[Documents]:
        """Documents whose writes are dangerous."""
        saboteur = self

        class DangerousDocuments(Documents):
            def save(self, name: str, content: Any) -> None:
                saboteur.around(f"write {name}", super().save)(name, content)

            def remove(self, name: str) -> None:
                saboteur.around(f"remove {name}", super().remove)(name)

        return DangerousDocuments

    def transport(self) -> type[Transport]:
        """A transport whose requests are dangerous."""
        saboteur = self

        class DangerousTransport(Transport):
            def request(self, method: str, path: str, *args: Any, **named: Any) -> Any:
                request = super().request
                return saboteur.around(f"{method} {path}", request)(method, path, *args, **named)

        return DangerousTransport

    def ec2(self, real: FakeEc2) -> Any:
        """The same EC2, with dangerous changes."""
        saboteur = self

        class DangerousEc2:
            def __getattr__(self, name: str) -> Any:
                found = getattr(real, name)
                if name in {"run", "terminate", "tag", "find_by_tags"}:
                    return saboteur.around(name, found)
                return found

        return DangerousEc2()
