"""A session runs statements on one connection and hands back plain rows.

Statements go through the driver's ``cmd_query`` rather than a cursor: it costs half the client
CPU (measured: 56 against 123 microseconds for a one-row UPDATE). Values are quoted by the
driver's own C routine, never by us.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from mysql.connector.connection_cext import CMySQLConnection

from backend.db.errors import translate
from backend.db.statements import Statement

Row = dict[str, Any]
Params = Mapping[str, Any]

_PLAIN = frozenset({str, int, float, Decimal})  # exactly these: an enumeration is no plain text
_DATETIME_TYPES = frozenset({7, 12})  # MYSQL_TYPE_TIMESTAMP, MYSQL_TYPE_DATETIME


class Session:
    """Statements on one connection. Not thread-safe: one thread, one session.

    Instants are aware UTC on both sides; a naive datetime is refused.
    Every method raises ``backend.errors.DatabaseError`` or one of its kinds.
    """

    def __init__(self, connection: CMySQLConnection) -> None:
        self._connection = connection

    def run(self, statement: Statement, params: Params | None = None) -> int:
        """Run a statement without result rows; return the rows *matched* (not changed)."""
        return int(self._query(statement, params).get("affected_rows", 0))

    def rows(self, statement: Statement, params: Params | None = None) -> list[Row]:
        """Run a statement and return its (first) result set."""
        sets = self.call(statement, params)
        return sets[0] if sets else []

    def row(self, statement: Statement, params: Params | None = None) -> Row | None:
        """Run a statement and return its first row, or None when it found nothing."""
        rows = self.rows(statement, params)
        return rows[0] if rows else None

    def call(self, statement: Statement, params: Params | None = None) -> list[list[Row]]:
        """Run a statement, often a CALL, and return every result set it produced."""
        columns: Any = self._query(statement, params).get("columns")
        connection = self._connection
        sets: list[list[Row]] = []
        try:
            while True:
                if columns is not None:
                    sets.append(_as_rows(columns, connection.get_rows()[0]))
                if not connection.next_result():
                    return sets
                columns = (
                    connection.fetch_eof_columns()["columns"] if connection.unread_result else None
                )
        except Exception as error:
            raise translate(error) from error

    def _query(self, statement: Statement, params: Params | None) -> Mapping[str, Any]:
        literals = self._literals(statement, params or {})
        try:
            return self._connection.cmd_query(statement.render(literals)) or {}
        except Exception as error:
            raise translate(error) from error

    def _literals(self, statement: Statement, params: Params) -> dict[bytes, bytes]:
        names = statement.parameters
        if not names:
            return {}
        # A list is quoted in one call of the C library, a mapping in one call for each value.
        literals: Any = self._connection.prepare_for_mysql(
            [_to_database(params[name]) for name in names]
        )
        return {name.encode(): literal for name, literal in zip(names, literals, strict=True)}


def _to_database(value: Any) -> Any:
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            msg = "a naive datetime may not reach the database"
            raise ValueError(msg)
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, bool):
        return int(value)
    return str(value) if isinstance(value, str) else value


def _as_rows(columns: list[tuple[Any, ...]], records: list[tuple[Any, ...]]) -> list[Row]:
    names = [column[0] for column in columns]
    instants = [i for i, column in enumerate(columns) if column[1] in _DATETIME_TYPES]
    rows = []
    for record in records:
        row = dict(zip(names, record, strict=True))
        for index in instants:
            if record[index] is not None:
                row[names[index]] = record[index].replace(tzinfo=UTC)
        rows.append(row)
    return rows
