"""The web tier as ``serve`` runs it: the command, its port, and when it is ready."""

import http.client
import os
import shutil
import socket
import sys
from collections.abc import Mapping

from backend.config import Settings
from backend.serve.children import ChildSpec
from backend.serve.environment import python_environment
from backend.serve.supervisor import ServeFailed
from backend.stopping import StopRequest

DRAIN_SECONDS = 10  # for requests in flight when a stop is asked for
PROBE_SECONDS = 3.0
PORT_TRY_SECONDS = 0.2
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


def web_child(settings: Settings, environment: Mapping[str, str]) -> ChildSpec:
    """Return the web server's command and environment.

    The folder for shared counters is emptied: counts of dead processes would stay for ever.
    """
    counters = settings.local_dir.resolve() / "metrics"
    shutil.rmtree(counters, ignore_errors=True)
    counters.mkdir(parents=True)
    return ChildSpec(
        name="web",
        command=web_command(settings),
        environment={
            **python_environment(environment),
            "PROMETHEUS_MULTIPROC_DIR": str(counters),
        },
        stop_seconds=DRAIN_SECONDS + 2,
    )


def web_command(settings: Settings) -> list[str]:
    """Return the command line of the web server."""
    return [
        sys.executable,
        "-m",
        "granian",
        "backend.serve.web_target:app",
        "--interface=wsgi",
        f"--host={settings.host}",
        f"--port={settings.port}",
        f"--workers={settings.web_workers}",
        f"--blocking-threads={settings.web_threads}",
        f"--workers-kill-timeout={DRAIN_SECONDS}",
        "--respawn-failed-workers",
        "--respawn-interval=0.5",
        "--no-ws",
        "--log-level=error",
    ]


def jobs_child(environment: Mapping[str, str]) -> ChildSpec:
    """Return the scheduler process's command and environment."""
    return ChildSpec(
        name="jobs",
        command=[sys.executable, "-m", "backend", "jobs"],
        environment=python_environment(environment),
        stop_seconds=12.0,
    )


def require_free_port(host: str, port: int, patience_seconds: float, stop: StopRequest) -> None:
    """Make sure that nobody listens there; wait so long for somebody who is leaving.

    Raises:
        ServeFailed: the port is taken, or the address is not of this machine.
    """
    for tries_left in reversed(range(1 + int(patience_seconds / PORT_TRY_SECONDS))):
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.create_server(address[:2], family=family):
                return
        except OSError as error:
            if not tries_left or stop.wait(PORT_TRY_SECONDS):
                raise ServeFailed(
                    f"Cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}. Stop"
                    " the program that uses it, or set PORT (and HOST) to another one"
                ) from error


def is_ready(settings: Settings) -> bool:
    """Whether the web tier says that it wants traffic."""
    host = _ANYWHERE.get(settings.host, settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def shown_url(settings: Settings) -> str:
    """Return the address to open in a browser on this machine."""
    host = _ANYWHERE.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
