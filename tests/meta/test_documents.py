"""The documents name what exists: every setting, every job, every metric."""

import ast
import re
from pathlib import Path

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr

from backend.config import Settings
from backend.jobs.registry import JOBS
from tests.meta import house

METRIC_TYPES = {
    "Counter", "Gauge", "Histogram", "Summary",
    "CounterMetricFamily", "GaugeMetricFamily", "HistogramMetricFamily",
}  # fmt: skip
_ROW = re.compile(r"^\| `([^`]+)` \| ([^|]*) \|", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")


def test_example_file_names_every_setting():
    assert set(dotenv_values(house.ROOT / ".env.example")) == _aliases()


def test_example_file_is_accepted_as_it_is():
    values = dotenv_values(house.ROOT / ".env.example")

    settings = Settings.model_validate({name: value for name, value in values.items() if value})

    assert settings == Settings.model_validate({})


def test_settings_page_names_every_setting_with_its_default():
    documented = {name: cell.strip().strip("`") for name, cell in _rows("docs/settings.md")}

    assert documented == {str(field.alias): _shown(field.default) for field in _fields()}


def test_metrics_page_names_every_metric():
    documented = {name for name, _ in _rows("docs/metrics.md")}

    assert documented == _metrics()


def test_runbook_names_every_job_with_its_period():
    documented = {name: period.strip() for name, period in _rows("docs/runbook.md")}

    assert documented == {job.name: f"{job.period.total_seconds():g} s" for job in JOBS.values()}


@pytest.mark.parametrize(
    "path", [house.ROOT / "README.md", *sorted(house.ROOT.glob("docs/**/*.md"))], ids=house.relative
)
def test_links_between_documents_lead_somewhere(path: Path):
    broken = [
        target
        for target in _LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]

    assert broken == []


def _fields():
    return Settings.model_fields.values()


def _aliases() -> set[str]:
    return {str(field.alias) for field in _fields()}


def _shown(default: object) -> str:
    if default is None or (isinstance(default, SecretStr) and not default.get_secret_value()):
        return "unset"
    return str(default).lower() if isinstance(default, bool) else str(default)


def _rows(page: str) -> list[tuple[str, str]]:
    return _ROW.findall((house.ROOT / page).read_text(encoding="utf-8"))


def _metrics() -> set[str]:
    return {
        node.args[0].value
        for path in house.python_files("backend")
        for node in ast.walk(house.parsed(path))
        if isinstance(node, ast.Call)
        and _called(node.func) in METRIC_TYPES
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def _called(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
