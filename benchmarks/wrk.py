"""Load from ``wrk``: keep-alive connections that send the next request as soon as one is answered."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "load" / "agents.lua"
CONNECTIONS = 64
THREADS = 2
CEILING = "ceiling"


class LoadFailed(Exception):
    """The load could not be made; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run of wrk saw. Latencies in milliseconds; errors are answers from 400 up, and
    connections that failed or timed out."""

    requests: int
    rps: float
    p50_ms: float
    p99_ms: float
    agents_reached: int
    errors: int


def find_wrk() -> str:
    """Return the program's path.

    Raises:
        LoadFailed: it is not installed.
    """
    path = shutil.which("wrk")
    if path is None:
        raise LoadFailed("The load generator wrk is missing. Install it with: apt-get install wrk")
    return path


def load(endpoint: str, *, port: int, size: int, token: str, seconds: float) -> Reading:
    """Load one endpoint for some seconds, spread over all agents of the fleet.

    Raises:
        LoadFailed: wrk itself failed.
    """
    command = [
        *(find_wrk(), f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"),
        *("--timeout", "10s", "-s", str(SCRIPT), f"http://127.0.0.1:{port}"),
        *("--", endpoint, str(size), str(THREADS), token),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LoadFailed(f"wrk failed: {(done.stderr or done.stdout).strip()[-500:]}")
    seen = json.loads(done.stdout.splitlines()[-1])
    return Reading(
        requests=seen["requests"],
        rps=seen["requests"] / (seen["duration_us"] / 1e6),
        p50_ms=seen["p50_us"] / 1000,
        p99_ms=seen["p99_us"] / 1000,
        agents_reached=seen["agents_reached"],
        errors=seen["bad_answers"] + seen["socket_errors"],
    )
