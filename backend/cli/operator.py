"""``operator``: the accounts of the people who run the fleet."""

import click
from rich.console import Console
from rich.table import Table

from backend.cli.services import CLI_ACTOR, open_services
from backend.services.callers import Role
from backend.services.secrets import new_password

ROLES = click.Choice([role.value for role in Role])


@click.group("operator")
def operator_group() -> None:
    """Make and list operators."""


@operator_group.command("create")
@click.argument("name")
@click.option("--role", type=ROLES, required=True, help="viewer reads, operator acts, admin rules.")
@click.option("--ask", is_flag=True, help="Ask for the password instead of making one.")
def create(name: str, role: str, *, ask: bool) -> None:
    """Make the operator NAME; the password is made and printed once, or asked for."""
    password = _password(ask=ask)
    with open_services() as services:
        services.operators.create(name, password, Role(role), CLI_ACTOR)
    click.echo(f"Operator {name} was made, role {role}")
    _show_password(password, ask=ask)


@operator_group.command("list")
def list_operators() -> None:
    """List the operators."""
    with open_services() as services:
        rows = services.operators.list()
    table = Table("Name", "Role", "Active", "Last sign-in (UTC)", "Id")
    for row in rows:
        last = f"{row['last_login_at']:%Y-%m-%d %H:%M}" if row["last_login_at"] else "never"
        active = "yes" if row["is_active"] else "no"
        table.add_row(row["username"], row["role"], active, last, row["id"])
    Console().print(table)


@operator_group.command("reset-password")
@click.argument("name")
@click.option("--ask", is_flag=True, help="Ask for the password instead of making one.")
def reset_password(name: str, *, ask: bool) -> None:
    """Replace the password of NAME, lift a lock and end their sessions."""
    password = _password(ask=ask)
    with open_services() as services:
        operator_id = services.operators.resolve(name)
        services.operators.update(operator_id, CLI_ACTOR, password=password)
    click.echo(f"The password of {name} was replaced")
    _show_password(password, ask=ask)


def _password(*, ask: bool) -> str:
    if ask:
        answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return answer
    return new_password().text


def _show_password(password: str, *, ask: bool) -> None:
    if not ask:
        click.echo(f"Password (shown only now): {password}")
