"""From single runs to figures: medians over rounds, and the targets they are held against."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.lanes import Run

LEAST_RPS = 1500.0
LONGEST_P99_MS = 150.0
LARGEST_LOSS = 0.20  # of throughput, from the small fleet to the large one
LEAST_RATIO = {
    "heartbeat": 0.60,
    "sync": 0.60,
    "pending-commands": 0.60,
    "config": 0.60,
    "pricing-report": 0.35,
}
ENDPOINTS = tuple(LEAST_RATIO)
_QUICK = frozenset(ENDPOINTS) - {"pricing-report"}  # whose throughput and p99 have a target too


@dataclass(frozen=True, slots=True)
class Figures:
    """One endpoint over one fleet. Processor time is in microseconds for each request.

    ``cpu_ratio`` is the ceiling's processor time, web and database, as a share of the endpoint's:
    what ``ratio_to_ceiling`` tends to on a machine where nothing else runs, the client included.
    """

    rps: float
    p50_ms: float
    p99_ms: float
    ratio_to_ceiling: float
    errors: int
    web_us: float
    database_us: float
    cpu_ratio: float
    ceiling_rps: float
    ceiling_p99_ms: float
    ceiling_web_us: float
    ceiling_database_us: float

    def as_json(self) -> dict[str, Any]:
        """Return the figures, rounded to what means something."""
        return {
            name: value if isinstance(value, int) else round(value, 3)
            for name, value in asdict(self).items()
        }


def figures_of(rounds: Sequence[tuple[Run, Run]], problem_count: int) -> Figures:
    """Return the medians over rounds of (endpoint, ceiling).

    The ratio is the median of each round's own ratio: what disturbs the machine disturbs both.
    """
    product, ceiling = [a for a, _ in rounds], [b for _, b in rounds]
    return Figures(
        rps=median(run.reading.rps for run in product),
        p50_ms=median(run.reading.p50_ms for run in product),
        p99_ms=median(run.reading.p99_ms for run in product),
        ratio_to_ceiling=median(a.reading.rps / max(1, b.reading.rps) for a, b in rounds),
        errors=sum(run.reading.errors for run in (*product, *ceiling)) + problem_count,
        web_us=median(run.web_us for run in product),
        database_us=median(run.database_us for run in product),
        cpu_ratio=median(
            (b.web_us + b.database_us) / max(1.0, a.web_us + a.database_us) for a, b in rounds
        ),
        ceiling_rps=median(run.reading.rps for run in ceiling),
        ceiling_p99_ms=median(run.reading.p99_ms for run in ceiling),
        ceiling_web_us=median(run.web_us for run in ceiling),
        ceiling_database_us=median(run.database_us for run in ceiling),
    )


def missed(endpoint: str, figures: Figures) -> list[str]:
    """Return the targets that one endpoint misses, each as a phrase."""
    found = []
    if figures.ratio_to_ceiling < LEAST_RATIO[endpoint]:
        found.append(f"{figures.ratio_to_ceiling:.2f} of the ceiling, not {LEAST_RATIO[endpoint]}")
    if endpoint in _QUICK and figures.rps < LEAST_RPS:
        found.append(f"{figures.rps:.0f} requests/s, not {LEAST_RPS:.0f}")
    if endpoint in _QUICK and figures.p99_ms >= LONGEST_P99_MS:
        found.append(f"p99 {figures.p99_ms:.0f} ms, not below {LONGEST_P99_MS:.0f}")
    if figures.errors:
        found.append(f"{figures.errors} errors")
    return found


def growth(rounds: Sequence[Sequence[tuple[Run, Run]]]) -> float | None:
    """Return the throughput over the largest fleet as a share of that over the smallest.

    Args:
        rounds: For each fleet, smallest first, its rounds of (endpoint, ceiling).

    Returns:
        The median over rounds; None with a single fleet.
    """
    if len(rounds) == 1:
        return None
    pairs = zip(rounds[0], rounds[-1], strict=True)
    return median(large.reading.rps / max(1, small.reading.rps) for (small, _), (large, _) in pairs)
