"""Look into the database past the product."""

from typing import Any

from backend.db.database import Database
from backend.db.statements import Statement


def rows(database: Database, sql: str) -> list[dict[str, Any]]:
    return database.run("look", lambda s: s.rows(Statement.compile("look", sql)))
