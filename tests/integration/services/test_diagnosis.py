"""The doctor at a real database: what a healthy one, an empty one and a strange one look like."""

from datetime import timedelta

import pytest

from backend.clock import SystemClock
from backend.config import read_settings
from backend.db.connect import DatabaseAddress
from backend.errors import DatabaseError
from backend.services.diagnosis.database_checks import NEEDED_RIGHTS
from backend.services.diagnosis.database_inspection import (
    explain,
    find_address,
    look_at_database,
)

pytestmark = pytest.mark.db


def settings_of(tmp_path, **environ: str):
    return read_settings({"LOCAL_DIR": str(tmp_path), **environ}, None)


def test_database_is_in_order_when_it_is_migrated(address, tmp_path):
    facts = look_at_database(settings_of(tmp_path), address, SystemClock())

    assert facts.schema_problem == ""
    assert facts.rights >= NEEDED_RIGHTS
    assert (facts.collation, facts.time_zone) == ("utf8mb4_bin", "+00:00")
    assert abs(facts.clock_difference) < timedelta(seconds=1)
    assert facts.last_job_at is None


def test_refused_password_is_told_in_words(address, tmp_path):
    wrong = DatabaseAddress(
        name=address.name, user=address.user, password="no", unix_socket=address.unix_socket
    )

    with pytest.raises(DatabaseError) as caught:
        look_at_database(settings_of(tmp_path), wrong, SystemClock())

    assert explain(caught.value) == "the server refuses the account or its password"


def test_private_database_is_not_started_by_looking(tmp_path):
    with pytest.raises(DatabaseError) as caught:
        find_address(settings_of(tmp_path))

    assert explain(caught.value) == "it does not run"
    assert list(tmp_path.iterdir()) == []


def test_address_is_the_named_server_when_there_is_one(tmp_path):
    address = find_address(settings_of(tmp_path, DB_HOST="db.example", DB_PORT="3307"))

    assert (address.host, address.port) == ("db.example", 3307)
