"""The command line: ``up``, ``drill`` and ``demo``."""

import json
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from simulator.control.api import ControlApi
from simulator.drills.run import ALL_DRILLS, run_drill, write_figures
from simulator.errors import SimulatorError
from simulator.fleet import FAST_AGENT, agent_environment, launch_fleet
from simulator.region.catalog import REGIONS
from simulator.region.model import Durations
from simulator.settings import Replay, WorldSettings
from simulator.stopping import StopSignals
from simulator.world import World

FOLDER = click.Path(file_okay=False, path_type=Path)
POSITIVE = click.FloatRange(0, 1_000_000, min_open=True)
MOST_SENTENCES = 20  # about broken promises; a thousand agents may break one each
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """A pretend EC2 region in which real agents run."""


@cli.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="0: a free one.")
@click.option("--agents", type=click.IntRange(0, 200), default=0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--region", type=click.Choice(REGIONS), default="eu-west-1", show_default=True)
@click.option("--server-url", help="The backend that the agents report to.")
@click.option("--token", envvar="SPOT_OPTIMIZER_CLIENT_TOKEN", help="The client's token.")
@click.option("--fast/--usual", "is_fast", default=True, help="Intervals: seconds, or default.")
@click.option("--agent-command", help="Instead of python -m agent; split at blanks.")
@click.option("--speed", type=POSITIVE, default=60.0, show_default=True, help="Of the market.")
@click.option("--outages/--no-outages", default=False, help="Whether pools run dry.")
@click.option(
    "--notice", type=POSITIVE, default=120.0, show_default=True, help="Seconds of warning."
)
@click.option("--replay", type=FILE, help="A CSV file of prices instead of a made-up market.")
@click.option("--replay-type", multiple=True, help="Only these instance types of the file.")
@click.option("--folder", type=FOLDER, help="For disks and logs, kept; else a temporary one.")
def up(folder: Path | None, **options: Any) -> None:
    """Start a region; operate it through the control API. Ctrl-C ends it."""
    if options["agents"] and not (options["server_url"] and options["token"]):
        raise click.UsageError("agents need --server-url and --token")
    stop = StopSignals()
    stop.listen()
    with tempfile.TemporaryDirectory(prefix="region-", ignore_cleanup_errors=True) as temporary:
        root = (folder or Path(temporary)).resolve()
        with World(_settings(root, options)) as world:
            world.front.add_control(ControlApi(world).respond)
            launch_fleet(world, range(1, options["agents"] + 1))
            click.echo(f"Region {options['region']} is up: {world.endpoint}")
            click.echo(f"  export AWS_ENDPOINT_URL_EC2={world.endpoint}")
            click.echo(f"  export AWS_ENDPOINT_URL_PRICING={world.endpoint}")
            click.echo(f"  curl {world.endpoint}/control/instances   (also pools, figures)")
            click.echo(f"  disks and logs: {root}")
            click.echo("Stop with Ctrl-C")
            stop.wait()


def _settings(root: Path, options: dict[str, Any]) -> WorldSettings:
    chosen: dict[str, Any] = {}
    if options["agent_command"]:
        chosen["agent_command"] = options["agent_command"].split()
    if options["replay"]:
        types = frozenset(options["replay_type"]) or None
        chosen["replay"] = Replay(path=options["replay"], instance_types=types)
    if options["server_url"]:
        chosen["agent_environment"] = agent_environment(
            options["server_url"], options["token"] or "", FAST_AGENT if options["is_fast"] else {}
        )
    return WorldSettings(
        root=root,
        region=options["region"],
        seed=options["seed"],
        port=options["port"],
        market_speed=options["speed"],
        has_outages=options["outages"] or options["replay"] is not None,
        durations=Durations(notice=timedelta(seconds=options["notice"])),
        **chosen,
    )


@cli.command()
@click.argument("name", type=click.Choice(ALL_DRILLS))
@click.option("--agents", type=click.IntRange(0, 200), default=6, show_default=True)
@click.option("--light", type=click.IntRange(0, 5000), default=0, help="Light agents beside them.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "path", type=click.Path(dir_okay=False, path_type=Path), help="Figures.")
@click.option("--folder", type=FOLDER, help="For database, disks and logs, kept.")
@click.option("--url", help="A running backend instead of one of its own.")
@click.option("--token", envvar="SPOT_OPTIMIZER_CLIENT_TOKEN", help="For --url: a new client's.")
def drill(
    name: str,
    path: Path | None,
    *,
    agents: int,
    light: int,
    seed: int,
    folder: Path | None,
    url: str | None,
    token: str | None,
) -> None:
    """Run the drill NAME. Exit status 1: a promise was broken.

    With --url the backend's database is read too: start the drill in the folder in which the
    backend was started, or set DB_HOST and DB_*, or LOCAL_DIR, as the backend has them.
    """
    if url and not token:
        raise click.UsageError("--url needs --token")
    if agents + light == 0:
        raise click.UsageError("nobody takes part: --agents or --light")
    running = (url, token) if url and token else None
    outcome = run_drill(name, agents=agents, light=light, seed=seed, folder=folder, running=running)
    if path is not None:
        write_figures(path, outcome.figures)
    shown = {k: v for k, v in outcome.figures.items() if k not in ("trace", "broken")}
    click.echo(json.dumps(shown, indent=2, default=str))
    for sentence in outcome.broken[:MOST_SENTENCES]:
        click.echo(f"BROKEN: {sentence}", err=True)
    if len(outcome.broken) > MOST_SENTENCES:
        click.echo(f"... and {len(outcome.broken) - MOST_SENTENCES} more (--json)", err=True)
    if outcome.broken:
        raise SystemExit(1)


@cli.command()
@click.option("--agents", type=click.IntRange(1, 50), default=6, show_default=True)
@click.option("--port", type=click.IntRange(1, 65_535), default=5000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--folder", type=FOLDER, help="For database, disks and logs, kept.")
def demo(**options: Any) -> None:
    """Show it all: a backend, a region, agents, and something that happens every minute."""
    from simulator.demo import run_demo

    run_demo(**options, say=click.echo)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. Exit status: 0 done, 1 it failed, 2 wrong usage."""
    try:
        cli.main(args=arguments, prog_name="python -m simulator")
    except SimulatorError as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(1) from error
