"""Look at this machine: folders, programs, the port, the variables. Changes nothing."""

import http.client
import importlib
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from backend.services.diagnosis.facts import Folder, PortState

PROBE_SECONDS = 2.0


def has_c_extension() -> bool:
    """Whether the database driver loads together with its C extension."""
    try:
        importlib.import_module("backend.db.connect")
    except ImportError:
        return False
    return True


def names_in_file(env_file: Path) -> frozenset[str]:
    """Return the names that ``.env`` sets; none when there is no readable file."""
    try:
        return frozenset(dotenv_values(env_file) if env_file.is_file() else ())
    except (OSError, UnicodeDecodeError):
        return frozenset()


def names_of(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the names that the environment sets."""
    return frozenset(environ)


def look_at_folder(path: Path) -> Folder:
    """Say whether the folder can be written, or made, and how much room its disk has."""
    standing = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    is_usable = standing.is_dir() and os.access(standing, os.W_OK | os.X_OK)
    return Folder(str(path), is_usable, shutil.disk_usage(standing).free)


def look_at_port(host: str, port: int) -> PortState:
    """Say who answers on the port. This program repeats the request id that it is sent."""
    request_id = f"doctor-{secrets.token_hex(8)}"
    caller = http.client.HTTPConnection(_reachable(host), port, timeout=PROBE_SECONDS)
    try:
        caller.request("GET", "/health", headers={"X-Request-Id": request_id})
        answered = caller.getresponse().getheader("X-Request-Id")
    except ConnectionRefusedError:
        return PortState.FREE
    except (OSError, http.client.HTTPException):
        return PortState.FOREIGN
    finally:
        caller.close()
    return PortState.OURS if answered == request_id else PortState.FOREIGN


def _reachable(host: str) -> str:
    """An address to call for one to listen on: "every address" includes loopback."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
