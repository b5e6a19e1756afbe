"""Find the database server program of this machine, and know how each flavour is initialised."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from backend.errors import ConfigError

_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/mysql/bin")
_VERSION = re.compile(r"Ver (\d+)\.(\d+)\.(\d+)")
_OLDEST = {"mariadb": (10, 11), "mysql": (8, 0)}

HOW_TO_INSTALL = (
    "install one (Debian and Ubuntu: apt-get install --no-install-recommends"
    " mariadb-server-core mariadb-client-core), or set DB_HOST to use a database elsewhere"
)


@dataclass(frozen=True, slots=True)
class ServerBinary:
    """A server program. ``flavour`` is "mariadb" or "mysql"."""

    program: Path
    flavour: str
    version: str

    def initialise_command(self, data: Path, redo_bytes: int) -> list[str]:
        """Return the command that fills an empty data folder; root has no password afterwards.

        Raises:
            ConfigError: MariaDB's install script is missing.
        """
        if self.flavour == "mysql":
            return [
                str(self.program),
                "--no-defaults",
                "--initialize-insecure",
                f"--datadir={data}",
            ]
        script = _find("mariadb-install-db") or _find("mysql_install_db")
        if script is None:
            raise ConfigError(f"mariadb-install-db was not found: {HOW_TO_INSTALL}")
        return [
            str(script),
            "--no-defaults",
            f"--datadir={data}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            f"--innodb-log-file-size={redo_bytes}",
        ]

    def flavour_options(self, redo_bytes: int) -> dict[str, str]:
        """Return the options that have other names, or exist only, in this flavour."""
        if self.flavour == "mysql":
            return {
                "innodb-redo-log-capacity": str(redo_bytes),
                "mysqlx": "OFF",
                "skip-log-bin": "",
            }
        return {"innodb-log-file-size": str(redo_bytes)}


def find_server_binary() -> ServerBinary:
    """Return the MariaDB or MySQL server program of this system.

    Raises:
        ConfigError: there is none, or it is too old; the sentence says what to install.
    """
    program = _find("mariadbd") or _find("mysqld")
    if program is None:
        raise ConfigError(f"No database server program was found: {HOW_TO_INSTALL}")
    answer = subprocess.run(  # noqa: S603 - a program of the system, found above
        [program, "--no-defaults", "--version"], capture_output=True, text=True, check=False
    ).stdout
    match = _VERSION.search(answer)
    if match is None:
        raise ConfigError(f"{program} --version gave no version: {answer[:200]!r}")
    flavour = "mariadb" if "MariaDB" in answer else "mysql"
    found = (int(match[1]), int(match[2]))
    if found < _OLDEST[flavour]:
        oldest = ".".join(map(str, _OLDEST[flavour]))
        raise ConfigError(f"{program} is too old (needs {flavour} {oldest}+): {HOW_TO_INSTALL}")
    return ServerBinary(program, flavour, ".".join(match.groups()))


def _find(name: str) -> Path | None:
    """Look on the PATH and where servers live that ordinary users have not on theirs."""
    found = shutil.which(name)
    candidates = [Path(found)] if found else [Path(folder, name) for folder in _FOLDERS]
    return next((path for path in candidates if path.is_file()), None)
