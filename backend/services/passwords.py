"""Operators' passwords: scrypt, and the same work for names that do not exist."""

from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

from backend.errors import InvalidRequest

SHORTEST = 10  # characters
LONGEST = 200


def hash_password(password: str) -> str:
    """Return the scrypt hash of an acceptable password.

    Raises:
        InvalidRequest: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        sentence = f"must have {SHORTEST} to {LONGEST} characters"
        raise InvalidRequest(f"The password {sentence}", fields={"password": [sentence]})
    return generate_password_hash(password, method="scrypt")


def is_password(stored_hash: str | None, password: str) -> bool:
    """Whether ``password`` is the one that was hashed; None takes as long, and never matches."""
    matches = check_password_hash(stored_hash or _unmatched(), password[:LONGEST])
    return matches and stored_hash is not None


@cache
def _unmatched() -> str:
    return generate_password_hash("nobody has this password", method="scrypt")
