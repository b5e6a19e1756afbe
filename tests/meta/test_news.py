"""Whoever changes what a sync answers tells the news (``backend/repositories/news.py``)."""

import re
from pathlib import Path

import pytest

from backend.db.statements import parse
from tests.meta import house

# Any change of these tables: a new command, other settings.
NEW_COMMAND = re.compile(r"\bINTO commands\b")
OTHER_SETTINGS = re.compile(r"\b(?:INTO|UPDATE|DELETE FROM) agent_configs\b")
# The columns of these tables that a sync answers, or its answer depends on.
FLEET = re.compile(r"\b(?:INTO|UPDATE) (?:agents|instances)\b")
ANSWERED = re.compile(r"(?:\bSET|,)\s+(?:\w+\.)?(?:epoch|primary_instance_id|role|deleted_at) =")
TELLS = re.compile(r"\bnews_count = (?:\w+\.)?news_count \+ 1\b")


def _is_news(statement: str) -> bool:
    return bool(
        NEW_COMMAND.search(statement)
        or OTHER_SETTINGS.search(statement)
        or (FLEET.search(statement) and ANSWERED.search(statement))
    )


PROCEDURES = {path: house.bare_sql(path).split(";") for path in house.routine_files("procedures")}
NAMED = {
    path: [statement.text for statement in parse(path.read_text(encoding="utf-8"))]
    for path in house.statement_files()
}
WRITERS = {
    path for path, statements in (PROCEDURES | NAMED).items() if any(map(_is_news, statements))
}


@pytest.mark.parametrize("path", sorted(WRITERS & PROCEDURES.keys()), ids=house.relative)
def test_procedure_tells_the_news_when_it_changes_an_answer(path: Path):
    assert TELLS.search(house.bare_sql(path))


@pytest.mark.parametrize("path", sorted(WRITERS & NAMED.keys()), ids=house.relative)
def test_repository_tells_the_news_when_it_changes_an_answer(path: Path):
    module = path.with_suffix(".py").read_text(encoding="utf-8")

    assert TELLS.search(house.bare_sql(path)) or "news.tell_news(" in module


def test_the_writers_of_answers_are_found():
    found = {path.stem for path in WRITERS}

    assert found >= {"register_agent", "record_switch", "complete_command"}
    assert found >= {"commands", "succession", "retirements"}
    assert not found & {"mark_stale_agents", "instances", "operators"}
