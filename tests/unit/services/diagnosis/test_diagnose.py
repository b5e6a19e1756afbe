from datetime import timedelta

import pytest

from backend.services.diagnosis.diagnose import diagnose
from backend.services.diagnosis.facts import Facts, Folder, PortState
from backend.services.diagnosis.findings import Finding, Verdict, worst
from tests.unit.services.diagnosis.healthy import NOW, healthy, healthy_database


def test_everything_is_ok_when_everything_is_in_order():
    findings = diagnose(healthy())

    assert {finding.verdict for finding in findings} == {Verdict.OK}


def test_database_is_not_judged_when_it_does_not_answer():
    names = {f.name for f in diagnose(healthy(database=None, database_error="refused"))}

    assert "database" in names
    assert names.isdisjoint({"version", "rights", "schema", "clock", "jobs"})


PROBLEMS = {
    "python": healthy(python=(3, 10)),
    "driver": healthy(has_c_extension=False),
    "settings": healthy(settings_error="PORT: Input should be less than or equal to 65535"),
    "local_dir": healthy(local=Folder(".local", is_usable=False, free_bytes=50_000_000_000)),
    "disk": healthy(local=Folder(".local", is_usable=True, free_bytes=1_000_000)),
    "server_program": healthy(server_program=None),
    "port": healthy(port_state=PortState.FOREIGN),
    "database": healthy(database=None, uses_private_database=False, database_error="refused"),
    "version": healthy(database=healthy_database(version="10.6.18-MariaDB")),
    "collation": healthy(database=healthy_database(collation="latin1_swedish_ci")),
    "time_zone": healthy(database=healthy_database(time_zone="SYSTEM")),
    "clock": healthy(database=healthy_database(clock_difference=timedelta(seconds=-1.5))),
    "schema": healthy(database=healthy_database(schema_problem="2 migrations are pending.")),
}

WARNINGS = {
    "settings": healthy(file_names=frozenset({"DB_PASWORD"})),
    "disk": healthy(local=Folder(".local", is_usable=True, free_bytes=1_000_000_000)),
    "models_dir": healthy(models=Folder("models", is_usable=False, free_bytes=1)),
    "database": healthy(database=None, database_error="no server is running"),
    "rights": healthy(database=healthy_database(rights=frozenset({"SELECT"}))),
    "jobs": healthy(database=healthy_database(last_job_at=NOW - timedelta(minutes=6))),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_problem_is_found_alone_and_has_a_remedy(name: str):
    _assert_only(PROBLEMS[name], name, Verdict.PROBLEM)


@pytest.mark.parametrize("name", WARNINGS)
def test_warning_is_found_alone_and_has_a_remedy(name: str):
    _assert_only(WARNINGS[name], name, Verdict.WARNING)


def test_settings_hint_at_the_name_that_was_meant():
    meaning = _finding(WARNINGS["settings"], "settings").meaning

    assert "DB_PASWORD (did you mean DB_PASSWORD?)" in meaning


def test_settings_name_a_stranger_of_the_file_but_not_of_the_environment():
    facts = healthy(
        file_names=frozenset({"FAVOURITE_COLOUR"}), environment_names=frozenset({"EDITOR"})
    )

    meaning = _finding(facts, "settings").meaning

    assert "FAVOURITE_COLOUR" in meaning
    assert "EDITOR" not in meaning


def test_misspelt_name_of_the_environment_is_found():
    facts = healthy(environment_names=frozenset({"DB_HOSTS"}))

    assert "DB_HOSTS (did you mean DB_HOST?)" in _finding(facts, "settings").meaning


def test_server_program_is_not_needed_when_a_server_is_named():
    facts = healthy(server_program=None, uses_private_database=False)

    assert _finding(facts, "server_program").verdict is Verdict.OK


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("8.0.36", Verdict.OK),
        ("8.4.3", Verdict.OK),
        ("9.7.4", Verdict.OK),
        ("5.7.44-log", Verdict.PROBLEM),
        ("10.11.2-MariaDB-1:10.11.2+maria~deb12", Verdict.OK),
        ("5.5.5-10.11.19-MariaDB", Verdict.OK),
        ("11.4.3-MariaDB", Verdict.OK),
        ("10.5.23-MariaDB", Verdict.PROBLEM),
        ("", Verdict.PROBLEM),
    ],
)
def test_version_is_judged_by_product(version: str, verdict: Verdict):
    facts = healthy(database=healthy_database(version=version))

    assert _finding(facts, "version").verdict is verdict


def test_clock_is_ok_at_exactly_one_second():
    facts = healthy(database=healthy_database(clock_difference=timedelta(seconds=1)))

    assert _finding(facts, "clock").verdict is Verdict.OK


def test_event_scheduler_is_no_fault_when_it_is_off():
    facts = healthy(database=healthy_database(event_scheduler="OFF"))

    finding = _finding(facts, "events")

    assert finding.verdict is Verdict.OK
    assert "OFF" in finding.meaning


def test_jobs_are_missed_when_none_ever_ran():
    facts = healthy(database=healthy_database(last_job_at=None))

    assert _finding(facts, "jobs").verdict is Verdict.WARNING


def test_worst_verdict_wins():
    findings = [
        Finding("a", Verdict.WARNING, ""),
        Finding("b", Verdict.PROBLEM, ""),
        Finding("c", Verdict.OK, ""),
    ]

    assert worst(findings) is Verdict.PROBLEM
    assert worst(findings[:1]) is Verdict.WARNING
    assert worst([]) is Verdict.OK


def _finding(facts: Facts, name: str) -> Finding:
    return next(finding for finding in diagnose(facts) if finding.name == name)


def _assert_only(facts: Facts, name: str, verdict: Verdict) -> None:
    serious = [finding for finding in diagnose(facts) if finding.verdict is not Verdict.OK]

    assert [(finding.name, finding.verdict) for finding in serious] == [(name, verdict)]
    assert serious[0].meaning
    assert serious[0].remedy
