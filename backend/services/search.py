"""Find clients, agents and instances by a part of their names."""

from dataclasses import dataclass

from backend.db.database import Database
from backend.db.session import Row
from backend.repositories import search

MOST_OF_A_KIND = 10


@dataclass(frozen=True, slots=True)
class Found:
    """At most ten of each kind."""

    clients: list[Row]
    agents: list[Row]
    instances: list[Row]


class Search:
    """Searches; ``client_id`` None means every tenant (operators). Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, client_id: str | None, text: str) -> Found:
        """Return what contains the text, whatever its case."""
        return self._database.run(
            "search",
            lambda s: Found(
                *search.find_all(s, client_id=client_id, text=text, limit=MOST_OF_A_KIND)
            ),
        )
