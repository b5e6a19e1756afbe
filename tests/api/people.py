"""Callers for tests: clients with tokens, operators with keys and sessions."""

from dataclasses import dataclass
from functools import cache
from itertools import count

from backend.bootstrap import Container
from backend.repositories import operators
from backend.services.callers import Actor, Role, Scope
from backend.services.passwords import hash_password

ACTOR = Actor("system", "tests")
PASSWORD = "correct horse battery"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}

_numbers = count(1)


@cache
def password_hash() -> str:
    """scrypt takes a tenth of a second: once is enough."""
    return hash_password(PASSWORD)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Door:
    """Makes callers and hands over what they show."""

    container: Container

    def client(self, scope: Scope = Scope.BOTH) -> tuple[str, str]:
        """A client's id and its token."""
        row, token = self.container.clients.create(f"client {next(_numbers)}", None, ACTOR, scope)
        return row["id"], token

    def client_headers(self, scope: Scope = Scope.BOTH) -> dict[str, str]:
        return bearer(self.client(scope)[1])

    def operator(self, role: Role = Role.ADMIN, username: str | None = None) -> tuple[str, str]:
        """An operator's id and name; the password is PASSWORD."""
        name = username or f"operator{next(_numbers)}"
        values = {
            "operator_id": f"op-{next(_numbers)}",
            "username": name,
            "password_hash": password_hash(),
            "role": role.value,
            "now": self.container.clock.now(),
        }
        self.container.database.run(
            "insert_operator", lambda s: operators.insert_operator(s, values)
        )
        return values["operator_id"], name

    def api_key(self, operator_id: str) -> str:
        return self.container.api_keys.create(operator_id, "tests", None, ACTOR)["key"]

    def operator_headers(self, role: Role = Role.ADMIN) -> dict[str, str]:
        return {"X-Api-Key": self.api_key(self.operator(role)[0])}

    def session_cookie(self, role: Role = Role.ADMIN) -> str:
        """The cookie's value of a fresh session."""
        _, name = self.operator(role)
        return self.container.sign_in.sign_in(
            name, PASSWORD, address="192.0.2.1", user_agent=None
        ).token
