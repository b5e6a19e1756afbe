"""The file ``.env``: settings for whoever starts these programs by hand."""

from __future__ import annotations

from pathlib import Path

from dotenv import load_dotenv


def load_env_file() -> None:
    """Read ``.env`` of the working folder, else of this program; the environment wins."""
    for folder in (Path.cwd(), Path(__file__).resolve().parent):
        if (folder / ".env").is_file():
            load_dotenv(folder / ".env")
            return
