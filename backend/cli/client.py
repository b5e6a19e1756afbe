"""``client``: tenants and their tokens."""

from datetime import timedelta
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from backend.cli.services import CLI_ACTOR, open_services
from backend.services.callers import Scope

SCOPES = click.Choice([scope.value for scope in Scope])


@click.group("client")
def client_group() -> None:
    """Make and list clients and their tokens."""


@client_group.command("create")
@click.argument("name", callback=lambda _c, _p, value: printable_name(value, 255))
@click.option("--email", help="Where the client can be reached.")
@click.option("--scope", type=SCOPES, default="both", show_default=True, help="Of the first token.")
def create(name: str, email: str | None, scope: str) -> None:
    """Make a client and print its token, once."""
    with open_services() as services:
        row, token = services.clients.create(name, email, CLI_ACTOR, Scope(scope))
    click.echo(f"Client {row['name']} was made: {row['id']}")
    _show_token(token)


@client_group.command("list")
def list_clients() -> None:
    """List the clients."""
    with open_services() as services:
        rows = services.clients.list()
    table = Table("Name", "Id", "Status", "Agents", "E-mail", "Made")
    for row in rows:
        cells = (row["name"], row["id"], row["status"], str(row["agent_count"]), row["email"] or "")
        table.add_row(*cells, f"{row['created_at']:%Y-%m-%d}")
    Console().print(table)


@client_group.group("token")
def token_group() -> None:
    """Make, list and revoke tokens. CLIENT is a name or an id."""


@token_group.command("create")
@click.argument("client")
@click.option("--name", default="extra", show_default=True, help="What people call the token.")
@click.option("--scope", type=SCOPES, default="agent", show_default=True)
@click.option("--days", type=click.IntRange(1, 3650), help="How long it lives; for ever if absent.")
def create_token(client: str, name: str, scope: str, days: int | None) -> None:
    """Make another token for CLIENT and print it, once."""
    with open_services() as services:
        client_id = services.clients.resolve(client)
        expires_at = services.clock.now() + timedelta(days=days) if days else None
        label = printable_name(name, 100)
        token = services.client_tokens.create(client_id, label, Scope(scope), expires_at, CLI_ACTOR)
    click.echo(f"Token {label} was made: {token['id']}")
    _show_token(token["token"])


@token_group.command("list")
@click.argument("client")
def list_tokens(client: str) -> None:
    """List the tokens of CLIENT, masked."""
    with open_services() as services:
        rows = services.client_tokens.list(services.clients.resolve(client))
    table = Table("Id", "Name", "Scope", "Token", "Made", "Expires", "Revoked", "Last used")
    for row in rows:
        instants = (
            row[name] for name in ("created_at", "expires_at", "revoked_at", "last_used_at")
        )
        table.add_row(row["id"], row["name"], row["scope"], row["token"], *map(_short, instants))
    Console().print(table)


@token_group.command("revoke")
@click.argument("client")
@click.argument("token_id")
def revoke_token(client: str, token_id: str) -> None:
    """End the token TOKEN_ID of CLIENT for good."""
    with open_services() as services:
        services.client_tokens.revoke(services.clients.resolve(client), token_id, CLI_ACTOR)
    click.echo("The token was revoked")


def printable_name(value: str, longest: int) -> str:
    """Return a name without surrounding blanks.

    Raises:
        click.BadParameter: it is empty, too long or not printable.
    """
    name = value.strip()
    if not 1 <= len(name) <= longest or not name.isprintable():
        msg = f"must have 1 to {longest} printable characters"
        raise click.BadParameter(msg)
    return name


def _show_token(token: str) -> None:
    click.echo(f"Token (shown only now): {token}")


def _short(instant: Any) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""
