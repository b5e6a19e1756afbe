"""The first operator of a fresh installation: made once, password told once and kept in a file."""

import os
from pathlib import Path

from backend.errors import AlreadyExists
from backend.services.callers import Actor, Role
from backend.services.operators import Operators
from backend.services.secrets import new_password

USERNAME = "admin"
FILE_NAME = "first-operator.txt"
_SYSTEM = Actor("system", "first start")


def ensure_first_operator(operators: Operators, local_dir: Path) -> tuple[str, str] | None:
    """Make ``admin`` with a random password if there is no operator at all. Idempotent.

    Two nodes that start together make one: the name is unique, the loser returns None.

    Returns:
        Name and password, also written to ``LOCAL_DIR/first-operator.txt`` (0600); None when an
        operator exists already.
    """
    if operators.count():
        return None
    password = new_password().text
    try:
        operators.create(USERNAME, password, Role.ADMIN, _SYSTEM)
    except AlreadyExists:
        return None
    _write(local_dir / FILE_NAME, f"username: {USERNAME}\npassword: {password}\n")
    return USERNAME, password


def forget_first_password(local_dir: Path, username: str) -> None:
    """Remove the file once what it says is no longer true. Idempotent."""
    if username == USERNAME:
        (local_dir / FILE_NAME).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
