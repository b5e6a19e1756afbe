"""Translate the driver's errors, once, into the family of ``backend.errors``.

The error *number* decides: a deadlock arrives as ``InternalError`` and a failed COMMIT of the
C extension as an exception outside ``mysql.connector.Error``, so classes cannot be trusted.
"""

import re

import mysql.connector

from backend import errors

_LOST = {1053, 1077, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2002, 2003, 2006, 2013, 2055, 4031}
_BUSY = {1040, 1129, 1203, 1226, 3024}
_DISK_FULL = {1021, 1114}
# After a failover the old writer may live on as a reader and keep its links: only a new connection
# finds the new writer. 1047 is a Galera node that has left its cluster.
_NOT_THE_WRITER = {1047, 1290, 1792, 1836}
UNAVAILABLE = frozenset(_LOST | _BUSY | _DISK_FULL | _NOT_THE_WRITER)
RETRYABLE = frozenset({1205, 1213})
UNIQUE = frozenset({1062, 1586})
FOREIGN_KEY = frozenset({1216, 1217, 1451, 1452})
CHECK = frozenset({3819, 4025})  # MySQL, MariaDB

_KEY_NAME = re.compile(r"for key '(?:[^'.]*\.)?([^']+)'|CONSTRAINT `([^`]+)`|constraint '([^']+)'")


def translate(error: Exception) -> errors.DatabaseError:
    """Return the product's error for one of the driver's.

    The constraint's name is taken from the message, the only place where the server tells it.
    The message itself stays out of the translated sentence: it may hold row values.
    """
    number = getattr(error, "errno", None)
    facts = {"errno": number}
    if number in RETRYABLE:
        return errors.Deadlock(**facts)
    if number in UNAVAILABLE or isinstance(error, mysql.connector.errors.InterfaceError):
        return errors.DatabaseUnavailable(**facts)
    constraint = _constraint(str(error))
    if number in UNIQUE:
        return errors.UniqueViolation(constraint=constraint, **facts)
    if number in FOREIGN_KEY:
        return errors.ForeignKeyViolation(constraint=constraint, **facts)
    if number in CHECK:
        return errors.CheckViolation(constraint=constraint, **facts)
    return errors.DatabaseError(**facts)


def _constraint(message: str) -> str | None:
    match = _KEY_NAME.search(message)
    return next((group for group in match.groups() if group), None) if match else None
