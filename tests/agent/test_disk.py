"""What is on disk: whole or not there, ours or archived."""

import json

import pytest

from agent.backend_client.commands import Command
from agent.documents import Documents
from agent.errors import AlreadyRunning
from agent.journal import DONE, Journal
from agent.outbox import Outbox, Outcome, Report


def _command(command_id: str = "c-1") -> Command:
    return Command(command_id, "switch", "spot", "m5.large.us-east-1b", 75, 0, {"pools": []})


def test_document_comes_back_as_it_was_saved(tmp_path):
    Documents(tmp_path, "i-1").save("a", {"x": [1]})

    assert Documents(tmp_path, "i-1").load("a") == {"x": [1]}


def test_document_of_another_instance_is_archived_and_not_used(tmp_path):
    Documents(tmp_path, "i-1").save("journal", ["theirs"])

    assert Documents(tmp_path, "i-2").load("journal") is None
    assert (tmp_path / "archive" / "i-1-format-1" / "journal.json").is_file()
    assert Documents(tmp_path, "i-1").load("journal") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}'])
def test_document_that_cannot_be_read_is_archived(tmp_path, text):
    (tmp_path / "a.json").write_text(text)

    assert Documents(tmp_path, "i-1").load("a") is None
    assert (tmp_path / "archive" / "unreadable" / "a.json").read_text() == text


def test_document_of_a_later_format_is_archived(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"format": 2, "instance_id": "i-1", "data": 1}))

    assert Documents(tmp_path, "i-1").load("a") is None


def test_documents_are_for_their_owner_only(tmp_path):
    Documents(tmp_path, "i-1").save("a", "secret")

    assert (tmp_path / "a.json").stat().st_mode & 0o077 == 0


def test_folder_has_one_agent_at_a_time(tmp_path):
    first = Documents(tmp_path, "i-1")
    first.claim()

    with pytest.raises(AlreadyRunning):
        Documents(tmp_path, "i-1").claim()

    first.release()
    second = Documents(tmp_path, "i-1")
    second.claim()
    second.release()


def test_journal_knows_a_command_after_a_restart(tmp_path, clock):
    journal = Journal(Documents(tmp_path, "i-1"), clock)
    journal.begin(_command())
    journal.step("c-1", "launch", "doing", attempt=2)

    again = Journal(Documents(tmp_path, "i-1"), clock)

    assert again.begin(_command()) is False
    assert again.get("c-1") == journal.get("c-1")
    assert again.get("c-1").facts == {"attempt": 2}


def test_journal_of_another_instance_is_never_replayed(tmp_path, clock):
    Journal(Documents(tmp_path, "i-1"), clock).begin(_command())

    assert Journal(Documents(tmp_path, "i-2"), clock).unfinished() == []


def test_journal_keeps_what_is_unfinished_and_the_last_fifty(tmp_path, clock):
    journal = Journal(Documents(tmp_path, "i-1"), clock)
    journal.begin(_command("open"))
    for number in range(60):
        journal.begin(_command(f"c-{number}"))
        journal.finish(f"c-{number}", success=True, message="ok")

    assert journal.begin(_command("open")) is False
    assert journal.begin(_command("c-59")) is False
    assert journal.begin(_command("c-0")) is True
    assert journal.get("c-59").status == DONE


def test_outbox_keeps_order_over_a_restart(tmp_path):
    outbox = Outbox(Documents(tmp_path, "i-1"))
    for number in range(12):
        outbox.put(Report(key=f"r-{number}", path="x", body={}))

    again = Outbox(Documents(tmp_path, "i-1"))
    keys = []
    while (first := again.first()) is not None:
        keys.append(first[1].key)
        again.settle(first[0], Outcome())

    assert keys == [f"r-{number}" for number in range(12)]
    assert len(Outbox(Documents(tmp_path, "i-1"))) == 0


def test_outbox_takes_a_waiting_report_once(tmp_path):
    outbox = Outbox(Documents(tmp_path, "i-1"))
    outbox.put(Report(key="executed:c-1", path="x", body={}))
    outbox.put(Report(key="executed:c-1", path="x", body={}))

    assert len(outbox) == 1
    assert outbox.unacknowledged() == ["c-1"]


def test_outbox_drops_prices_first_when_it_is_full(tmp_path):
    outbox = Outbox(Documents(tmp_path, "i-1"))
    outbox.put(Report(key="executed:c-1", path="x", body={}))
    for number in range(205):
        outbox.put(Report(key=f"pricing:{number}", path="x", body={}, is_droppable=True))

    assert len(outbox) == 200
    assert outbox.is_waiting("executed:c-1")
    assert outbox.is_waiting("pricing:204")
    assert not outbox.is_waiting("pricing:0")


def test_outbox_of_another_instance_is_not_sent(tmp_path):
    Outbox(Documents(tmp_path, "i-1")).put(Report(key="r", path="x", body={}))

    assert Outbox(Documents(tmp_path, "i-2")).first() is None
