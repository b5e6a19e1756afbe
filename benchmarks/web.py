"""The web server under test, started with the command and the environment that ``serve`` uses."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from backend.config import Settings
from backend.serve.children import ChildSpec
from backend.serve.environment import python_environment
from backend.serve.web import is_ready, web_child, web_command
from benchmarks.stage import Stage, free_port

Command = Callable[[Settings], list[str]]

CEILING = "benchmarks.ceiling_wsgi:app"
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Served:
    """A web server that runs: its port, and the process group of its master and workers."""

    port: int
    group: int


class NotReady(Exception):
    """The server did not come up; the sentence holds what it said."""


@contextmanager
def product(stage: Stage, command: Command = web_command) -> Iterator[Served]:
    """Run the product over a fleet.

    Args:
        stage: The fleet.
        command: What makes the server's command line; by default ``serve``'s own.
    """
    spec = web_child(stage.settings, stage.environment)
    words = command(stage.settings)
    folder = stage.settings.local_dir
    counters = folder / f"metrics-{stage.settings.port}"  # several run at once
    counters.mkdir(exist_ok=True)
    environment = {**spec.environment, "PROMETHEUS_MULTIPROC_DIR": str(counters)}
    spec = replace(spec, environment=environment)
    log = folder / f"web-{stage.settings.port}.log"
    with running(words, spec, log, partial(is_ready, stage.settings)) as group:
        yield Served(stage.settings.port, group)


@contextmanager
def ceiling(stage: Stage, command: Command = web_command) -> Iterator[Served]:
    """Run the ceiling over a fleet with the same numbers of workers, threads and connections."""
    port = free_port()
    settings = stage.settings.model_copy(update={"port": port})
    words = [CEILING if word.endswith(":app") else word for word in command(settings)]
    if CEILING not in words:
        raise NotReady("The command names no application that the ceiling could replace")
    spec = ChildSpec(
        name="ceiling",
        command=words,
        environment=python_environment({**stage.environment, "PORT": str(port)}),
        stop_seconds=12.0,
    )
    log = stage.settings.local_dir / f"ceiling-{port}.log"
    with running(words, spec, log, partial(_listens, port)) as group:
        yield Served(port, group)


def on_another_port(stage: Stage) -> Stage:
    """Return the same fleet for a further web server."""
    port = free_port()
    return replace(
        stage,
        environment={**stage.environment, "PORT": str(port)},
        settings=stage.settings.model_copy(update={"port": port}),
    )


@contextmanager
def running(
    command: Sequence[str], spec: ChildSpec, log: Path, ready: Callable[[], bool]
) -> Iterator[int]:
    """Run one server until the end of the block; yields its process id.

    Raises:
        NotReady: it died or did not answer in time.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            env=dict(spec.environment),
            cwd=log.parent,  # where no .env of a developer lies
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await(process, ready, log)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(spec.stop_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:]
            raise NotReady(f"The web server did not come up:\n{tail}")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
