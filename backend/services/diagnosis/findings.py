"""The answer of one check."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How serious a finding is; only a problem keeps the program from working."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was found, and what to do about it (empty when nothing)."""

    name: str
    verdict: Verdict
    meaning: str
    remedy: str = ""


def worst(findings: Iterable[Finding]) -> Verdict:
    """Return the most serious verdict; ok when there are no findings."""
    order = list(Verdict)
    return max((finding.verdict for finding in findings), key=order.index, default=Verdict.OK)
