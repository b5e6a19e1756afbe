"""The table of jobs, and its agreement with the database's events."""

import re
from datetime import timedelta

import pytest

from backend.errors import NotFound
from backend.jobs.registry import JOBS, build_registry, get_job
from backend.jobs.scheduler import LONGEST_WAKE, wake_interval
from tests.meta import house

EVENTS = house.routine_files("events")
UNITS = {"MINUTE": timedelta(minutes=1), "DAY": timedelta(days=1), "HOUR": timedelta(hours=1)}


@pytest.mark.parametrize("name", JOBS)
def test_job_has_a_body(name):
    assert callable(JOBS[name].load())


@pytest.mark.parametrize("name", JOBS)
def test_job_is_looked_at_in_every_slot(name):
    job = JOBS[name]

    assert wake_interval(job.period) * 1.25 <= job.period
    assert wake_interval(job.period) <= LONGEST_WAKE
    assert job.lease >= timedelta(seconds=30)


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_event_and_job_share_name_and_period(path):
    sql = house.bare_sql(path)
    name = path.stem.removeprefix("evt_")
    count, unit = re.search(r"EVERY (\d+) (\w+)", sql).groups()
    divisor = re.search(r"UTC_TIMESTAMP\(\)\) / (\d+)\)", sql).group(1)

    assert JOBS[name].period == int(count) * UNITS[unit] == timedelta(seconds=int(divisor))
    assert f"CALL {name}(" in sql


def test_registry_refuses_two_jobs_of_one_name():
    job = JOBS["purge_expired"]

    with pytest.raises(ValueError):
        build_registry(job, job)


def test_unknown_job_is_refused_with_the_names_that_exist():
    with pytest.raises(NotFound, match="purge_expired"):
        get_job(JOBS, "purge")
