"""``migrate``: the database's schema and the files that describe it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from backend.clock import SystemClock
from backend.config import load_settings
from backend.db.migrations import FINE, Item, Migrator
from backend.db.open import address_of, local_server
from backend.db.schema_file import render
from backend.db.sources import DATABASE_FOLDER, read_sources
from backend.observability.logging import configure_logging

SCHEMA_FILE = DATABASE_FOLDER / "schema.sql"

WIDTH_OF_A_PIPE = 110
COLOURS = {"applied": "green", "refused": "yellow", "pending": "cyan"}
MEANINGS = {
    "refused": "this account may not create it; the background job does its work",
    "interrupted": "broke off half-way; migrate up continues it",
    "edited": "the file was changed after it had been applied; restore it",
    "unknown": "the database has it, this program does not know it",
    "changed": "the file is newer than the database; migrate up replaces it",
    "missing": "somebody dropped it; migrate up makes it again",
    "drifted": "somebody replaced it by hand; migrate up restores it",
    "pending": "not applied yet; migrate up does it",
}


@click.group("migrate")
def migrate() -> None:
    """Bring the database's schema up to date."""


@migrate.command("up")
def up() -> None:
    """Apply what is missing. Doing it again changes nothing."""
    with _migrator() as migrator:
        changes = migrator.up(click.echo)
    click.echo(f"{len(changes)} changes made" if changes else "The schema is up to date")


@migrate.command("status")
def status() -> None:
    """List every migration, procedure, view and event with its state."""
    with _migrator() as migrator:
        items = migrator.status()
    table = Table("Kind", Column("Name", no_wrap=True), "State", "Applied (UTC)")
    for item in items:
        applied = f"{item.applied_at:%Y-%m-%d %H:%M:%S}" if item.applied_at else ""
        colour = COLOURS.get(item.state, "red")
        table.add_row(item.kind, item.name, f"[{colour}]{item.state}[/{colour}]", applied)
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_PIPE)
    console.print(table)
    for state in sorted({item.state for item in items} & MEANINGS.keys()):
        console.print(f"{state}: {MEANINGS[state]}")


@migrate.command("check")
def check() -> None:
    """End with status 1 if the database differs from the files. Changes nothing."""
    with _migrator() as migrator:
        items = migrator.status()
    for item in items:
        if item.state != "applied":
            click.echo(_sentence(item), err=item.state not in FINE)
    if any(item.state not in FINE for item in items):
        sys.exit(1)
    click.echo("The database is as the files say")


@migrate.command("schema")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=SCHEMA_FILE,
    show_default="database/schema.sql",
    help="Where to write it.",
)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail if it differs.")
def schema(output: Path, *, only_check: bool) -> None:
    """Write database/schema.sql from the other files there. Needs no database."""
    text = render(read_sources())
    present = output.read_text(encoding="utf-8") if output.is_file() else ""
    if text == present:
        click.echo(f"{output.name} is up to date")
    elif only_check:
        click.echo(f"{output.name} is out of date: python -m backend migrate schema", err=True)
        sys.exit(1)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"{output.name} was written")


def _sentence(item: Item) -> str:
    return f"{item.kind} {item.name}: {item.state} ({MEANINGS[item.state]})"


@contextmanager
def _migrator() -> Iterator[Migrator]:
    """Lend the migrator of the configured database; a private server runs for the while."""
    settings = load_settings(os.environ)
    configure_logging("WARNING", "plain")
    clock = SystemClock()
    if settings.uses_private_database:
        with local_server(settings).running() as address:
            yield Migrator(address, clock)
    else:
        yield Migrator(address_of(settings), clock)
