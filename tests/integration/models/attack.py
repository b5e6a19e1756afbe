"""Confine this process as a worker is confined, then try to break out. Prints what happened.

Arguments: an empty folder, a file that must stay secret, the socket of the database.
"""

import json
import mmap
import os
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from backend.engines.sandbox.confinement import Limits, as_facts, confine

EMPTY, SECRET, DATABASE = sys.argv[1:4]
PARENT = os.getppid()


def connect_unix():
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(DATABASE)


def connect_tcp():
    with socket.socket(socket.AF_INET) as door:
        door.connect(("127.0.0.1", 3306))


def fork_bomb():
    for _ in range(1000):
        if os.fork() == 0:
            os._exit(0)


def memory_bomb():
    hoard = []
    while True:
        hoard.append(bytearray(64 * 1024 * 1024))


ATTACKS = {
    "read_secret": lambda: Path(SECRET).read_text(),
    "read_passwd": lambda: Path("/etc/passwd").read_text(),
    "read_environment": lambda: Path("/proc/self/environ").read_bytes(),
    "list_root": lambda: list(Path("/").iterdir()),
    "write_file": lambda: Path("/written").write_text("x"),
    "database_socket": connect_unix,
    "network": connect_tcp,
    "fork_bomb": fork_bomb,
    "run_program": lambda: subprocess.run(["/bin/true"], check=True),
    "shell": lambda: subprocess.run("true", shell=True, check=True),
    "kill_parent": lambda: os.kill(PARENT, 9),
    "become_root": lambda: os.setuid(0),
    "executable_memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),
    "memory_bomb": memory_bomb,
}


def outcome(attack):
    try:
        attack()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever stopped it is the answer
        return type(error).__name__
    return "SUCCEEDED"


found = confine(Path(EMPTY), Limits(memory_bytes=256 * 1024 * 1024), lambda: None)
results = {name: outcome(attack) for name, attack in ATTACKS.items()}
results["environment"] = dict(os.environ)
print(json.dumps({"layers": as_facts(found), "results": results}))
