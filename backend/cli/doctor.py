"""``python -m backend doctor``: what is wrong with this installation, and how to mend it."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from backend.clock import SystemClock
from backend.services.diagnosis.diagnose import diagnose
from backend.services.diagnosis.findings import Finding, Verdict, worst
from backend.services.diagnosis.inspection import inspect_installation

_COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "red"}
_SUMMARIES = {
    Verdict.OK: "Everything is in order.",
    Verdict.WARNING: "It works, with warnings.",
    Verdict.PROBLEM: "Mend the problems, from the top.",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def doctor(*, as_json: bool) -> None:
    """Say what is wrong with this installation, and how to mend it.

    Exits with 1 when something keeps the program from working.
    """
    findings = diagnose(inspect_installation(os.environ, Path(".env"), SystemClock()))
    verdict = worst(findings)
    if as_json:
        shown = {"verdict": verdict, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(shown, indent=2))
    else:
        console = Console(highlight=False)
        for finding in findings:
            console.print(_line(finding), soft_wrap=True)
        console.print(f"[bold]{_SUMMARIES[verdict]}[/]")
    sys.exit(1 if verdict is Verdict.PROBLEM else 0)


def _line(finding: Finding) -> str:
    colour = _COLOURS[finding.verdict]
    line = f"[{colour}]{finding.verdict:<8}[/] {finding.name:<15} {escape(finding.meaning)}"
    return f"{line}\n{'':<25}-> {escape(finding.remedy)}" if finding.remedy else line
