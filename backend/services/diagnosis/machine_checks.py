"""Judge the machine and the settings. Pure functions, in the order in which to mend."""

import difflib
from collections.abc import Callable
from typing import Final

from backend.services.diagnosis.facts import Facts, PortState
from backend.services.diagnosis.findings import Finding, Verdict

OLDEST_PYTHON: Final = (3, 11)
LOW_DISK_BYTES: Final = 2_000_000_000
NO_DISK_BYTES: Final = 200_000_000
_SIMILAR: Final = 0.84  # DB_PASWORD is similar to DB_PASSWORD, HOSTNAME is not to HOST


def _python(facts: Facts) -> Finding:
    shown = ".".join(map(str, facts.python))
    if facts.python >= OLDEST_PYTHON:
        return Finding("python", Verdict.OK, f"Python {shown}.")
    return Finding(
        "python",
        Verdict.PROBLEM,
        f"Python {shown} is too old; 3.11 is the oldest that works.",
        "Install Python 3.11 or newer, then run: rm -rf .venv && make setup",
    )


def _driver(facts: Facts) -> Finding:
    if facts.has_c_extension:
        return Finding("driver", Verdict.OK, "The database driver has its C extension.")
    return Finding(
        "driver",
        Verdict.PROBLEM,
        "The database driver lacks its C extension; connections would be refused by the program.",
        "Install exactly what requirements.txt pins: rm -rf .venv && make setup",
    )


def _settings(facts: Facts) -> Finding:
    if facts.settings_error:
        return Finding(
            "settings",
            Verdict.PROBLEM,
            f"The settings cannot be used: {facts.settings_error}",
            "Correct the variable in the environment or in .env; docs/settings.md has the ranges.",
        )
    hints = _misspelt(facts)
    if hints:
        return Finding(
            "settings",
            Verdict.WARNING,
            f"Variables that nothing reads: {'; '.join(hints)}.",
            "Correct or remove them; docs/settings.md lists every name.",
        )
    return Finding("settings", Verdict.OK, "Every variable is known and within its range.")


def _misspelt(facts: Facts) -> list[str]:
    hints = []
    for name in sorted(facts.file_names | facts.environment_names):
        if name in facts.known_names:
            continue
        similar = difflib.get_close_matches(name, sorted(facts.known_names), 1, _SIMILAR)
        if similar:
            hints.append(f"{name} (did you mean {similar[0]}?)")
        elif name in facts.file_names:
            hints.append(name)
    return hints


def _environment(facts: Facts) -> Finding:
    if facts.is_production:
        return Finding("environment", Verdict.OK, "Production, with a secret key of its own.")
    return Finding(
        "environment",
        Verdict.OK,
        "Development: the secret key is made once and kept below LOCAL_DIR. "
        "FLASK_ENV=production asks for SECRET_KEY.",
    )


def _local(facts: Facts) -> Finding:
    folder = facts.local
    if not folder.is_usable:
        return Finding(
            "local_dir",
            Verdict.PROBLEM,
            f"{folder.path} cannot be written by this user.",
            f"Give it to the user that runs the program (chown -R USER '{folder.path}') "
            "or point LOCAL_DIR elsewhere.",
        )
    return Finding("local_dir", Verdict.OK, f"{folder.path} is writable.")


def _disk(facts: Facts) -> Finding:
    free = facts.local.free_bytes
    shown = f"{free / 1e9:.1f} GB are free on the disk of {facts.local.path}"
    remedy = "Free some space, or move LOCAL_DIR to a larger disk."
    if free < NO_DISK_BYTES:
        return Finding("disk", Verdict.PROBLEM, f"Only {shown}; the database stops soon.", remedy)
    if free < LOW_DISK_BYTES:
        return Finding("disk", Verdict.WARNING, f"Only {shown}.", remedy)
    return Finding("disk", Verdict.OK, f"{shown}.")


def _server_program(facts: Facts) -> Finding:
    if not facts.uses_private_database:
        return Finding("server_program", Verdict.OK, "Not needed: DB_HOST names a server.")
    if facts.server_program:
        return Finding("server_program", Verdict.OK, f"{facts.server_program} is installed.")
    return Finding(
        "server_program",
        Verdict.PROBLEM,
        "No MariaDB or MySQL server program was found, and DB_HOST is not set.",
        "Run: apt-get install mariadb-server-core mariadb-client-core (or set DB_HOST).",
    )


def _models(facts: Facts) -> Finding:
    if facts.models.is_usable:
        return Finding("models_dir", Verdict.OK, f"{facts.models.path} is writable.")
    return Finding(
        "models_dir",
        Verdict.WARNING,
        f"{facts.models.path} cannot be written; uploaded models would have no place.",
        "Create the folder for this user, or point ML_MODELS_DIR elsewhere.",
    )


def _port(facts: Facts) -> Finding:
    if facts.port_state is PortState.FOREIGN:
        return Finding(
            "port",
            Verdict.PROBLEM,
            f"Another program listens on port {facts.port}.",
            "Stop that program, or set PORT to a free one.",
        )
    if facts.port_state is PortState.OURS:
        return Finding("port", Verdict.OK, f"This program answers on port {facts.port}.")
    return Finding("port", Verdict.OK, f"Port {facts.port} is free; nothing is served yet.")


def _database(facts: Facts) -> Finding:
    if facts.database is not None:
        return Finding("database", Verdict.OK, "The database answers.")
    if facts.settings_error:
        return Finding(
            "database", Verdict.WARNING, "Not asked: the settings come first.", "See settings."
        )
    if facts.uses_private_database:
        return Finding(
            "database",
            Verdict.WARNING,
            f"The private database does not answer ({facts.database_error}).",
            "Start the program (make run): it starts its database too. "
            "If it runs already, its log below LOCAL_DIR says why.",
        )
    return Finding(
        "database",
        Verdict.PROBLEM,
        f"The database does not answer: {facts.database_error}",
        "Check DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_NAME, and that the server lets this "
        "machine in.",
    )


MACHINE_CHECKS: Final[tuple[Callable[[Facts], Finding], ...]] = (
    _python,
    _driver,
    _settings,
    _environment,
    _local,
    _disk,
    _server_program,
    _models,
    _port,
    _database,
)
