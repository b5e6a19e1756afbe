"""The table that people read."""

from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.figures import LARGEST_LOSS, LEAST_RATIO, Figures, missed

Results = Mapping[int, Mapping[str, Figures]]


def print_results(console: Console, results: Results) -> None:
    """Print a table for each fleet; what misses its target is marked."""
    for size, figures in results.items():
        table = Table(title=f"{size:,} agents", box=box.SIMPLE_HEAD, title_justify="left")
        table.add_column("call")
        for heading in (
            *("requests/s", "p50 ms", "p99 ms", "errors", "ratio", "target"),
            *("ceiling/s", "web us", "db us", "ceiling us", "by cpu"),
        ):
            table.add_column(heading, justify="right")
        for endpoint, found in figures.items():
            table.add_row(*_row(endpoint, found), style="yellow" if missed(endpoint, found) else "")
        console.print(table)
    console.print(
        "ratio: throughput against the ceiling, the median over interleaved rounds; "
        "web, db: processor time for each request, with that of the ceiling beside it; "
        "by cpu: the ratio of those times, which other programs disturb less"
    )


def print_growth(console: Console, growth: Mapping[str, float | None]) -> None:
    """Print how the largest fleet compares with the smallest."""
    known = {endpoint: share for endpoint, share in growth.items() if share is not None}
    if not known:
        return
    console.print("largest fleet against the smallest, requests/s:")
    for endpoint, share in known.items():
        too_slow = share < 1 - LARGEST_LOSS
        console.print(f"  {endpoint:<17} {share:.2f}", style="yellow" if too_slow else "")


def _row(endpoint: str, found: Figures) -> list[str]:
    return [
        endpoint,
        f"{found.rps:,.0f}",
        f"{found.p50_ms:.1f}",
        f"{found.p99_ms:.1f}",
        str(found.errors),
        f"{found.ratio_to_ceiling:.2f}",
        f"{LEAST_RATIO[endpoint]:.2f}",
        f"{found.ceiling_rps:,.0f}",
        f"{found.web_us:.0f}",
        f"{found.database_us:.0f}",
        f"{found.ceiling_web_us:.0f}+{found.ceiling_database_us:.0f}",
        f"{found.cpu_ratio:.2f}",
    ]
