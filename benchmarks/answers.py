"""What the product itself says that it has answered: its counters at ``/metrics``."""

import re
import time
import urllib.request
from dataclasses import dataclass

_LINE = re.compile(
    r'^http_requests_total\{.*route="(?P<route>[^"]+)",status="(?P<status>\d+)"\} (?P<count>\S+)$'
)
_LOOK_SECONDS = 0.05
_LONGEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers of one route: successes, and all others."""

    good: int = 0
    bad: int = 0

    def minus(self, earlier: "Answers") -> "Answers":
        """Return what came since ``earlier``."""
        return Answers(self.good - earlier.good, self.bad - earlier.bad)


def settled(port: int, endpoint: str) -> Answers:
    """Return the answers of an endpoint once nothing is under way any more."""
    route = f"/api/agents/<agent_id>/{endpoint}"
    seen = _read(port, route)
    deadline = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        now = _read(port, route)
        if now == seen:
            break
        seen = now
    return seen


def _read(port: int, route: str) -> Answers:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    good = bad = 0
    for match in map(_LINE.match, text.splitlines()):
        if match is None or match["route"] != route:
            continue
        count = int(float(match["count"]))
        good, bad = (good + count, bad) if match["status"].startswith("2") else (good, bad + count)
    return Answers(good, bad)
