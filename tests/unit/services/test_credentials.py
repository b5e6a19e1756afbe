"""Credentials have their form, differ, and do not show in a repr."""

import pytest

from backend.errors import InvalidRequest
from backend.services import passwords, secrets
from backend.services.callers import Role


@pytest.mark.parametrize(
    ("make", "prefix"), [(secrets.new_client_token, "token-"), (secrets.new_api_key, "sok_")]
)
def test_credential_has_its_form(make, prefix):
    text = make().text

    assert text.startswith(prefix)
    assert len(text) == len(prefix) + 32
    assert text.removeprefix(prefix).isalnum()


def test_credentials_differ():
    assert len({secrets.new_client_token().text for _ in range(1000)}) == 1000


def test_credential_is_not_in_its_repr():
    secret = secrets.new_password()

    assert secret.text not in repr(secret)


def test_masked_credential_shows_the_last_characters_only():
    secret = secrets.new_client_token()

    shown = secrets.masked("token-", secret.hint)

    assert shown == f"token-********{secret.text[-4:]}"


def test_password_matches_itself_only():
    stored = passwords.hash_password("correct horse")

    assert passwords.is_password(stored, "correct horse")
    assert not passwords.is_password(stored, "correct hors")
    assert not passwords.is_password(None, "nobody has this password")


@pytest.mark.parametrize("password", ["", "123456789", "x" * 201])
def test_password_of_wrong_length_is_refused(password):
    with pytest.raises(InvalidRequest, match="10 to 200"):
        passwords.hash_password(password)


def test_roles_include_the_ones_before():
    order = [Role.VIEWER, Role.OPERATOR, Role.ADMIN]

    table = [[one.includes(other) for other in order] for one in order]

    assert table == [[True, False, False], [True, True, False], [True, True, True]]
