"""Put the checks together."""

from backend.services.diagnosis.database_checks import DATABASE_CHECKS
from backend.services.diagnosis.facts import Facts
from backend.services.diagnosis.findings import Finding
from backend.services.diagnosis.machine_checks import MACHINE_CHECKS


def diagnose(facts: Facts) -> list[Finding]:
    """Return the findings, in the order in which they should be mended."""
    findings = [check(facts) for check in MACHINE_CHECKS]
    if facts.database is not None:
        findings += [check(facts, facts.database) for check in DATABASE_CHECKS]
    return findings
