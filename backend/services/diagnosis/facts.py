"""What the doctor looks at. Gathered by ``inspection``, judged by the checks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class PortState(StrEnum):
    """Who answers on the port that the web server wants."""

    FREE = "free"
    OURS = "ours"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that the program needs. ``free_bytes`` is of the disk that it is or will be on."""

    path: str
    is_usable: bool
    free_bytes: int


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What a reachable database server says of itself and of our schema.

    Attributes:
        version: As ``VERSION()`` prints it.
        rights: Privileges granted directly to our account, on our database or everywhere.
        schema_problem: Why the schema is not the one of this program; empty when it is.
        last_job_at: Start of the latest job run; None when there was none.
        clock_difference: Database minus this machine.
    """

    version: str
    rights: frozenset[str]
    collation: str
    time_zone: str
    event_scheduler: str
    clock_difference: timedelta
    schema_problem: str
    last_job_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the doctor looks at.

    Attributes:
        settings_error: Why the settings cannot be used; empty when they can.
        file_names: Names that ``.env`` sets.
        environment_names: Names of the environment.
        known_names: Names that are settings.
        server_program: Path of mariadbd or mysqld; None when there is none.
        database_error: Why the database cannot be used; empty when it can.
    """

    now: datetime
    python: tuple[int, int]
    has_c_extension: bool
    settings_error: str
    file_names: frozenset[str]
    environment_names: frozenset[str]
    known_names: frozenset[str]
    is_production: bool
    local: Folder
    models: Folder
    uses_private_database: bool
    server_program: str | None
    port: int
    port_state: PortState
    database_error: str = ""
    database: DatabaseFacts | None = None
