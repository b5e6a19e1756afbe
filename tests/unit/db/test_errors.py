import mysql.connector
import pytest

from backend import errors
from backend.db.errors import translate

MYSQL_DUPLICATE = "Duplicate entry 'x' for key 'clients.clients_name_uq'"
MARIADB_DUPLICATE = "Duplicate entry 'x' for key 'clients_name_uq'"
FOREIGN_KEY = (
    "Cannot add or update a child row: a foreign key constraint fails (`d`.`agents`,"
    " CONSTRAINT `agents_client_fk` FOREIGN KEY (`client_id`) REFERENCES `clients` (`id`))"
)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1213, errors.Deadlock),
        (1205, errors.Deadlock),
        (2006, errors.DatabaseUnavailable),
        (2013, errors.DatabaseUnavailable),
        (1040, errors.DatabaseUnavailable),
        (1047, errors.DatabaseUnavailable),
        (1114, errors.DatabaseUnavailable),
        (1290, errors.DatabaseUnavailable),
        (1836, errors.DatabaseUnavailable),
        (4031, errors.DatabaseUnavailable),
        (1062, errors.UniqueViolation),
        (1452, errors.ForeignKeyViolation),
        (3819, errors.CheckViolation),
        (4025, errors.CheckViolation),
        (1054, errors.DatabaseError),
    ],
)
def test_number_decides_the_kind_of_error(number, kind):
    translated = translate(mysql.connector.InternalError(errno=number, msg="?"))

    assert type(translated) is kind
    assert translated.facts["errno"] == number


@pytest.mark.parametrize(
    ("number", "message", "constraint"),
    [
        (1062, MYSQL_DUPLICATE, "clients_name_uq"),
        (1062, MARIADB_DUPLICATE, "clients_name_uq"),
        (1452, FOREIGN_KEY, "agents_client_fk"),
        (3819, "Check constraint 'clients_status_ck' is violated.", "clients_status_ck"),
        (4025, "CONSTRAINT `clients_status_ck` failed for `d`.`clients`", "clients_status_ck"),
    ],
)
def test_constraint_is_named_when_the_message_tells_it(number, message, constraint):
    error = translate(mysql.connector.IntegrityError(errno=number, msg=message))

    assert error.facts["constraint"] == constraint


def test_row_values_stay_out_of_the_sentence():
    error = translate(mysql.connector.IntegrityError(errno=1062, msg=MYSQL_DUPLICATE))

    assert "'x'" not in error.message


def test_failed_commit_is_understood_when_the_driver_raises_a_foreign_class():
    class ForeignError(Exception):
        errno = 1213

    assert isinstance(translate(ForeignError()), errors.Deadlock)
