"""The first operator: made once, told once, forgotten with the password."""

import stat

from backend.services.callers import Role
from backend.services.first_operator import FILE_NAME, ensure_first_operator
from tests.api.people import ACTOR


def _words(path):
    return path.read_text().split()


def test_first_start_makes_an_admin_who_can_sign_in(container, http, settings):
    name, password = ensure_first_operator(container.operators, settings.local_dir)

    answer = http.post("/api/auth/login", json={"username": name, "password": password})
    assert answer.json["operator"]["role"] == "admin"
    path = settings.local_dir / FILE_NAME
    assert _words(path) == ["username:", "admin", "password:", password]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_second_start_makes_nothing(container, settings):
    ensure_first_operator(container.operators, settings.local_dir)

    assert ensure_first_operator(container.operators, settings.local_dir) is None
    assert container.operators.count() == 1


def test_other_operator_is_enough(container, door, settings):
    door.operator(Role.VIEWER)

    assert ensure_first_operator(container.operators, settings.local_dir) is None


def test_file_goes_when_the_password_changes(container, settings):
    ensure_first_operator(container.operators, settings.local_dir)
    operator_id = container.operators.resolve("admin")

    container.operators.update(operator_id, ACTOR, password="another one 22")

    assert not (settings.local_dir / FILE_NAME).exists()


def test_file_stays_when_another_password_changes(container, door, settings):
    ensure_first_operator(container.operators, settings.local_dir)
    operator_id, _ = door.operator(Role.VIEWER)

    container.operators.update(operator_id, ACTOR, password="another one 22")

    assert (settings.local_dir / FILE_NAME).exists()


def test_file_of_an_earlier_life_is_replaced_and_made_private(container, settings):
    settings.local_dir.mkdir(parents=True)
    path = settings.local_dir / FILE_NAME
    path.write_text("old")
    path.chmod(0o644)

    ensure_first_operator(container.operators, settings.local_dir)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "old" not in _words(path)
