"""The content of disks: a folder for each instance and for each image.

``etc/spot-optimizer/agent.env`` holds what the people who built the machine configured; the agent's
state and logs lie where a real machine has them. An image is a copy of everything.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from simulator.errors import SimulatorError

ENVIRONMENT_FILE = Path("etc/spot-optimizer/agent.env")
STATE = Path("var/lib/spot-optimizer")
LOGS = Path("var/log/spot-optimizer")
HOME = Path("home")
CONSOLE = LOGS / "console.log"  # what the process prints
_LINE = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)")


class Disks:
    """Folders below one root, which is removed by whoever made it."""

    def __init__(self, root: Path) -> None:
        self._disks = root / "disks"
        self._images = root / "images"
        self._past_logs = root / "past-logs"
        for folder in (self._disks, self._images, self._past_logs):
            folder.mkdir(parents=True, exist_ok=True)

    def disk(self, instance_id: str) -> Path:
        """Return the folder of a live instance."""
        return self._disks / instance_id

    def logs(self, instance_id: str) -> Path:
        """Return the folder of an instance's logs, also after its end."""
        past = self._past_logs / instance_id
        return past if past.is_dir() else self.disk(instance_id) / LOGS

    def format_image(self, image_id: str, environment: Mapping[str, str]) -> None:
        """Make the disk of an image out of nothing, with the agent configured."""
        folder = self._images / image_id
        for part in (STATE, LOGS, HOME, ENVIRONMENT_FILE.parent):
            (folder / part).mkdir(parents=True, exist_ok=True)
        write_environment(folder, environment)

    def configure_image(self, image_id: str, more: Mapping[str, str]) -> None:
        """Add settings to those on an image, as people do who build one for each service."""
        folder = self._images / image_id
        write_environment(folder, {**read_environment(folder), **more})

    def copy_to_image(self, instance_id: str, image_id: str) -> None:
        """Copy an instance's disk as it is at this moment, mid-write or not."""
        _copy(self.disk(instance_id), self._images / image_id)

    def copy_to_instance(self, image_id: str, instance_id: str) -> None:
        """Give a new instance the disk of its image."""
        _copy(self._images / image_id, self.disk(instance_id))

    def remove_image(self, image_id: str) -> None:
        """Throw an image's disk away. Idempotent."""
        shutil.rmtree(self._images / image_id, ignore_errors=True)

    def remove_disk(self, instance_id: str) -> None:
        """Throw an instance's disk away, but keep its logs. Idempotent."""
        disk = self.disk(instance_id)
        if (disk / LOGS).is_dir():
            (disk / LOGS).rename(self._past_logs / instance_id)
        shutil.rmtree(disk, ignore_errors=True)


def read_environment(disk: Path) -> dict[str, str]:
    """Return the settings on a disk; lines that are no assignment are passed over."""
    path = disk / ENVIRONMENT_FILE
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [match for line in lines if (match := _LINE.fullmatch(line.strip()))]
    return {match["name"]: match["value"] for match in found}


def write_environment(disk: Path, environment: Mapping[str, str]) -> None:
    """Write the settings on a disk, readable by its owner only.

    Raises:
        SimulatorError: a value does not fit on a line.
    """
    lines = [f"{name}={value}" for name, value in environment.items()]
    if any("\n" in line for line in lines):
        msg = "a setting of the agent contains a line break"
        raise SimulatorError(msg)
    draft = disk / ENVIRONMENT_FILE.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.rename(disk / ENVIRONMENT_FILE)  # whoever boots meanwhile reads the old one or the new


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=_copy_if_there)


def _copy_if_there(source: str, target: str) -> None:
    """Copy a file; one that the running agent has just removed is not there, as on a real disk."""
    try:
        shutil.copy2(source, target)
    except FileNotFoundError:
        return
