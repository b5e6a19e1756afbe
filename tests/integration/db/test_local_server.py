"""The private server: found again, recovered, shared and stopped, whoever died in between."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path

import mysql.connector
import pytest

from backend.db import server_binary
from backend.db.connect import connect
from backend.db.local_server import LocalServer
from backend.db.server_folder import LONGEST_SOCKET_PATH, ServerFolder
from backend.errors import ConfigError, DatabaseUnavailable
from tests.database import ROOT, copy_template, private_server
from tests.integration.db.asking import ask_at

pytestmark = pytest.mark.db

ANSWER = "SELECT 1 AS n"
IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from tests.database import private_server
server = private_server(Path(sys.argv[1]))
server.start()
print(server.folder.server_pid(), flush=True)
sys.stdin.readline()
print(server.stop(), flush=True)
"""


@pytest.fixture
def folder(tmp_path):
    """The home of a migrated server that does not run; ended at the end, whoever started it."""
    copy_template(tmp_path / "mysql")
    yield tmp_path / "mysql"
    LocalServer(tmp_path / "mysql").stop(even_if_shared=True)


@pytest.fixture
def server(folder):
    server = private_server(folder, {"innodb-flush-log-at-trx-commit": "1"})
    yield server
    server.stop(even_if_shared=True)


@contextmanager
def other_process(folder):
    """A process that uses the server until it is told to go on; yields it and the server's pid."""
    process = subprocess.Popen(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def first_line(process) -> int:
    return int(process.stdout.readline())


def go_on(process) -> str:
    """Let the process stop using the server; returns what it says."""
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_server_runs_between_start_and_stop(server):
    assert not server.is_running()

    address = server.start()
    answer = ask_at(address, ANSWER)
    was_running = server.is_running()
    pid = server.folder.server_pid()
    stopped = server.stop()

    assert (answer, was_running, stopped) == ([{"n": 1}], True, True)
    assert not server.is_running()
    assert not Path(f"/proc/{pid}").exists()
    assert not server.folder.socket.exists()


def test_start_and_stop_may_be_repeated(server):
    server.start()
    pid = server.folder.server_pid()
    server.start()

    assert server.folder.server_pid() == pid
    assert server.stop()
    assert server.stop()
    assert not server.is_running()


def test_fresh_folder_is_initialised_and_closed_to_others(tmp_path):
    server = LocalServer(tmp_path / "mysql", redo_bytes=8 * 1024 * 1024)
    with server.running() as address:
        row = ask_at(
            address,
            "SELECT CURRENT_USER() AS account, DATABASE() AS name, @@event_scheduler AS events,"
            " @@skip_networking AS no_port, @@collation_database AS collation,"
            " @@innodb_flush_log_at_trx_commit AS durable",
        )[0]
        grants = [next(iter(row.values())) for row in ask_at(address, "SHOW GRANTS")]
        accounts = ask_at(server.root_address, "SELECT User FROM mysql.user ORDER BY User")
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in (server.folder.path, *server.folder.path.glob("*.password"))
        }

    assert row == {
        "account": "spot_optimizer@localhost",
        "name": "spot_optimizer",
        "events": "ON",
        "no_port": 1,
        "collation": "utf8mb4_bin",
        "durable": 1,
    }
    assert len(grants) == 2
    assert grants[0].startswith("GRANT USAGE ON *.*")
    assert grants[1].startswith(r"GRANT ALL PRIVILEGES ON `spot\_optimizer`.* TO")
    assert [row["User"] for row in accounts] == ["mariadb.sys", "root", "spot_optimizer"]
    assert modes == {"mysql": 0o700, "app.password": 0o600, "root.password": 0o600}
    assert not server.folder.init_file.exists()


def test_nobody_gets_in_when_the_password_is_wrong(server):
    server.start()
    connection = {"unix_socket": str(server.folder.socket), "ssl_disabled": True}

    for user in ("root", "spot_optimizer", ""):
        with pytest.raises(mysql.connector.Error) as refused:
            mysql.connector.connect(user=user, password="", **connection)
        assert refused.value.errno == 1045


def test_server_is_recovered_when_it_was_killed(server):
    server.start()
    ask_at(server.address, "INSERT INTO settings VALUES ('kept', 'x', '2026-01-01')")
    killed = server.folder.server_pid()
    os.kill(killed, signal.SIGKILL)

    server.start()

    assert server.folder.server_pid() not in (None, killed)
    assert ask_at(server.address, "SELECT name FROM settings") == [{"name": "kept"}]


def test_server_starts_when_its_old_pid_belongs_to_somebody_else(server):
    server.folder.pid_file.write_text(f"{os.getpid()}\n")
    server.folder.socket.touch()

    server.start()

    assert ask_at(server.address, ANSWER) == [{"n": 1}]


@pytest.mark.parametrize("pid", ["", "not a number", "999999999"])
def test_pid_file_counts_for_nothing_when_it_is_stale(tmp_path, pid):
    folder = ServerFolder(tmp_path)
    folder.pid_file.write_text(pid)

    assert folder.server_pid() is None


def test_running_server_is_adopted_and_stays_until_its_last_user_leaves(server, folder):
    with other_process(folder) as process:
        pid = first_line(process)
        server.start()
        adopted = server.folder.server_pid()
        left = go_on(process)
        still = ask_at(server.address, ANSWER)
        last = server.stop()

    assert adopted == pid
    assert (left, still, last) == ("False", [{"n": 1}], True)
    assert not server.is_running()


def test_server_stays_when_another_process_still_uses_it(server, folder):
    with other_process(folder) as process:
        pid = first_line(process)
        server.start()

        assert not server.stop()
        assert server.folder.server_pid() == pid
        assert go_on(process) == "True"


def test_killed_users_do_not_count(server, folder):
    server.start()
    with other_process(folder) as process:
        first_line(process)
        process.kill()

    assert server.stop()
    assert not server.is_running()


def test_one_server_runs_when_two_processes_start_it_at_once(tmp_path):
    folder = tmp_path / "fresh"
    with other_process(folder) as one, other_process(folder) as two:
        pids = [first_line(one), first_line(two)]
        answers = sorted([go_on(one), go_on(two)])

    assert pids[0] == pids[1]
    assert answers == ["False", "True"]
    assert ServerFolder(folder).server_pid() is None


def test_half_made_data_folder_is_made_again(tmp_path):
    folder = tmp_path / "mysql"
    (folder / "data.partial" / "mysql").mkdir(parents=True)
    (folder / "data.partial" / "ibdata1").write_bytes(b"half")

    with private_server(folder).running() as address:
        assert ask_at(address, ANSWER) == [{"n": 1}]

    assert not (folder / "data.partial").exists()


def test_killed_initialisation_is_never_used(tmp_path):
    folder = tmp_path / "mysql"
    with other_process(folder) as process:
        while not (folder / "data.partial").is_dir():
            assert process.poll() is None
        process.kill()

    with private_server(folder).running() as address:
        assert ask_at(address, ANSWER) == [{"n": 1}]


def test_failed_initialisation_leaves_no_data_folder(tmp_path, monkeypatch):
    broken = server_binary.ServerBinary(Path("/bin/false"), "mysql", "8.0.0")
    monkeypatch.setattr("backend.db.local_server.find_server_binary", lambda: broken)

    with pytest.raises(DatabaseUnavailable, match="could not be initialised"):
        private_server(tmp_path / "mysql").start()

    assert not (tmp_path / "mysql" / "data").exists()


def test_log_is_told_when_the_server_does_not_come_up(folder):
    server = private_server(folder, {"no-such-option": "1"})

    with pytest.raises(DatabaseUnavailable, match=r"(?s)did not come up.*no-such-option"):
        server.start()

    assert server.folder.server_pid() is None
    assert private_server(folder).stop()


def test_one_sentence_says_what_to_install_when_there_is_no_server(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(server_binary, "_FOLDERS", ())

    with pytest.raises(ConfigError, match=r"apt-get install .* mariadb-server-core .* DB_HOST"):
        server_binary.find_server_binary()


@pytest.mark.parametrize(
    ("version", "flavour"),
    [
        ("mysqld  Ver 8.4.3 for Linux on x86_64 (MySQL Community Server - GPL)", "mysql"),
        ("mysqld  Ver 9.7.0 for Linux on x86_64 (MySQL Community Server - GPL)", "mysql"),
        ("mariadbd  Ver 11.4.2-MariaDB for debian-linux-gnu on x86_64", "mariadb"),
    ],
)
def test_flavour_is_told_by_the_program_itself(tmp_path, monkeypatch, version, flavour):
    pretend(tmp_path, monkeypatch, version)

    assert server_binary.find_server_binary().flavour == flavour


@pytest.mark.parametrize("version", ["mysqld  Ver 5.7.44 for Linux", "mysqld  Ver 10.6.1-MariaDB"])
def test_server_is_refused_when_it_is_too_old(tmp_path, monkeypatch, version):
    pretend(tmp_path, monkeypatch, version)

    with pytest.raises(ConfigError, match="too old"):
        server_binary.find_server_binary()


def test_socket_is_elsewhere_and_private_when_the_path_is_long(tmp_path):
    folder = tmp_path / ("long" * 25) / "mysql"
    copy_template(folder)
    server = private_server(folder)

    with server.running() as address:
        assert ask_at(address, ANSWER) == [{"n": 1}]
        place = address.unix_socket.parent
        assert len(os.fsencode(address.unix_socket)) <= LONGEST_SOCKET_PATH
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    server.folder.remove()

    assert not place.exists()


def test_start_is_refused_when_others_can_write_where_the_socket_goes(tmp_path):
    folder = tmp_path / ("long" * 25) / "mysql"
    place = ServerFolder(folder).socket.parent
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    try:
        with pytest.raises(ConfigError, match="not private"):
            private_server(folder).start()
    finally:
        shutil.rmtree(place)


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match="LOCAL_DIR"):
        private_server(tmp_path / "file" / "mysql").start()


def test_address_is_refused_before_the_first_start(tmp_path):
    with pytest.raises(DatabaseUnavailable, match="does not exist yet"):
        _ = private_server(tmp_path / "mysql").address


def test_ordinary_user_can_run_it():
    """As root, in a child that gave its rights away; else this very process is the ordinary user."""
    home = Path(tempfile.mkdtemp(prefix="spot-user-"))
    account = 65534 if os.geteuid() == 0 else os.geteuid()
    os.chown(home, account, -1)
    try:
        child = os.fork()
        if child == 0:
            os._exit(run_as(account, home / "mysql"))
        _, status = os.waitpid(child, 0)
        log = ServerFolder(home / "mysql").log_tail(home / "failure")
    finally:
        shutil.rmtree(home)

    assert os.waitstatus_to_exitcode(status) == 0, log


def run_as(account: int, folder: Path) -> int:
    """Become ``account`` and use a fresh server; returns an exit status."""
    try:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(account)
            os.setuid(account)
        os.chdir(folder.parent)
        server = private_server(folder)
        with server.running() as address:
            owner = Path(f"/proc/{server.folder.server_pid()}").stat().st_uid
            assert owner == account
            assert ask_at(address, ANSWER) == [{"n": 1}]
        assert server.folder.server_pid() is None
    except BaseException:  # noqa: BLE001 - a forked child reports and ends, whatever happened
        (folder.parent / "failure").write_text(traceback.format_exc())
        return 1
    return 0


@pytest.mark.parametrize(
    ("names", "key"),
    [
        ({"user": "root"}, "DB_USER"),
        ({"user": "two\nlines"}, "DB_USER"),
        ({"database": "mysql"}, "DB_NAME"),
    ],
)
def test_names_of_the_server_itself_are_refused(tmp_path, names, key):
    with pytest.raises(ConfigError, match=key):
        private_server(tmp_path / "mysql", **names).start()


def test_adopted_server_gets_the_database_of_this_configuration(server, folder):
    server.start()
    other = private_server(folder, database="another_name", user="it's me")

    address = other.start()

    assert ask_at(address, "SELECT DATABASE() AS name") == [{"name": "another_name"}]
    with pytest.raises(mysql.connector.Error):
        connect(address, database="spot_optimizer")
    other.stop()


def pretend(folder, monkeypatch, version):
    """Put a program on the PATH that says it is a server of this version."""
    program = folder / "mariadbd"
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_servers_share_no_temporary_folder(server):
    address = server.start()

    (row,) = ask_at(address, "SELECT @@tmpdir AS folder")

    assert Path(row["folder"]) == server.folder.path / "tmp"
