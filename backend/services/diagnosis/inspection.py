"""Gather everything that the doctor looks at. Works when nothing is set up; changes nothing."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from backend.clock import Clock
from backend.config import Settings, read_settings
from backend.errors import ConfigError, DatabaseError
from backend.services.diagnosis import machine_inspection as machine
from backend.services.diagnosis.facts import Facts


def inspect_installation(environ: Mapping[str, str], env_file: Path, clock: Clock) -> Facts:
    """Return the facts of this machine, these settings and their database."""
    settings, settings_error = _settings(environ, env_file)
    facts = Facts(
        now=clock.now(),
        python=sys.version_info[:2],
        has_c_extension=machine.has_c_extension(),
        settings_error=settings_error,
        file_names=machine.names_in_file(env_file),
        environment_names=machine.names_of(environ),
        known_names=frozenset(str(field.alias) for field in Settings.model_fields.values()),
        is_production=settings.is_production,
        local=machine.look_at_folder(settings.local_dir),
        models=machine.look_at_folder(settings.ml_models_dir),
        uses_private_database=settings.uses_private_database,
        server_program=None,
        port=settings.port,
        port_state=machine.look_at_port(settings.host, settings.port),
    )
    if not facts.has_c_extension:
        return replace(facts, database_error="the driver cannot be loaded")
    return _with_database(facts, settings, clock)


def _settings(environ: Mapping[str, str], env_file: Path) -> tuple[Settings, str]:
    """Return the settings and no error, or the defaults and what is wrong with the given ones."""
    try:
        return read_settings(environ, env_file), ""
    except ConfigError as error:
        return read_settings({}, None), error.message


def _with_database(facts: Facts, settings: Settings, clock: Clock) -> Facts:
    # Imported here: this module must load, to say so, when the driver does not.
    from backend.services.diagnosis import database_inspection as inspection

    facts = replace(facts, server_program=inspection.find_server_program())
    if facts.settings_error:
        return facts
    try:
        address = inspection.find_address(settings)
        found = inspection.look_at_database(settings, address, clock)
    except DatabaseError as error:
        return replace(facts, database_error=inspection.explain(error))
    return replace(facts, database=found)
