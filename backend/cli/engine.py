"""``engine``: which decision engine decides, and the choice of another one."""

import click

from backend.cli.services import CLI_ACTOR, open_services


@click.group("engine")
def engine_group() -> None:
    """Show or choose the decision engine."""


@engine_group.command("show")
def show() -> None:
    """Say which engine ought to decide, and whether it passes its test here."""
    with open_services() as services:
        services.deciding.choice.follow()
        host = services.deciding.host
        click.echo(f"Chosen: {services.deciding.choice.wanted()}")
        click.echo(f"Loaded: {host.name or 'none, the rules decide'}")
        if host.refusal:
            click.echo(f"Refused: {host.refusal}")
        calibration = services.deciding.views.list_calibration()
    for row in calibration:
        click.echo(
            f"Risk told {row['mean_score']:.3f}, lost {row['lost_share']:.3f}"
            f" ({row['score_count']} scores of 7 days)"
        )


@engine_group.command("use")
@click.argument("name")
def use(name: str) -> None:
    """Let NAME (package.module.Class) decide on every node, within seconds, if it passes its test."""
    with open_services() as services:
        services.deciding.choice.choose(name, chosen_by=CLI_ACTOR.name)
    click.echo(f"{name} decides from now on")


@engine_group.command("reset")
def reset() -> None:
    """Go back to the engine that DECISION_ENGINE_CLASS names."""
    with open_services() as services:
        services.deciding.choice.choose("", chosen_by=CLI_ACTOR.name)
        click.echo(f"{services.deciding.choice.wanted()} decides from now on")
