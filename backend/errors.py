"""The family of errors that the product raises on purpose.

A class's docstring is its default sentence. Facts travel as keyword attributes, so that the
boundary that answers (HTTP, command line, job runner) can show them without parsing text.
Status codes are not known here: they live in ``backend.api.errors``.
"""

import inspect
from typing import Any, ClassVar


class SpotOptimizerError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str | None = None, **facts: Any) -> None:
        self.message = message or inspect.getdoc(type(self)) or "Error"
        self.facts = facts
        super().__init__(self.message)


class ConfigError(SpotOptimizerError):
    """A setting has a value that cannot be used."""

    code = "config_error"


class InvalidRequest(SpotOptimizerError):
    """The request is not valid."""

    code = "invalid_request"


class MalformedJson(InvalidRequest):
    """The body is not valid JSON."""

    code = "malformed_json"


class UnsupportedMediaType(SpotOptimizerError):
    """The body must be JSON."""

    code = "unsupported_media_type"


class Unauthenticated(SpotOptimizerError):
    """Credentials are missing or not valid."""

    code = "unauthenticated"


class Forbidden(SpotOptimizerError):
    """These credentials do not permit this."""

    code = "forbidden"


class NotFound(SpotOptimizerError):
    """There is no such thing."""

    code = "not_found"


class Conflict(SpotOptimizerError):
    """The request conflicts with the present state."""

    code = "conflict"


class AlreadyExists(Conflict):
    """A thing of this name exists already."""

    code = "already_exists"


class IllegalTransition(Conflict):
    """This step is not possible from the present state."""

    code = "illegal_transition"


class StaleVersion(Conflict):
    """The record has changed since it was read."""

    code = "stale_version"


class LimitReached(SpotOptimizerError):
    """A limit is reached; try again later."""

    code = "limit_reached"


class DatabaseError(SpotOptimizerError):
    """The database refused a statement."""

    code = "database_error"


class DatabaseUnavailable(DatabaseError):
    """The database cannot be reached."""

    code = "database_unavailable"


class PoolExhausted(DatabaseUnavailable):
    """All database connections are busy."""

    code = "database_busy"


class Deadlock(DatabaseError):
    """The database chose this transaction as the victim of a lock conflict."""

    code = "deadlock"


class UniqueViolation(DatabaseError):
    """A row with this key exists already."""

    code = "unique_violation"


class ForeignKeyViolation(DatabaseError):
    """A row that this one refers to does not exist, or is still referred to."""

    code = "foreign_key_violation"


class CheckViolation(DatabaseError):
    """A value is outside what the table permits."""

    code = "check_violation"
