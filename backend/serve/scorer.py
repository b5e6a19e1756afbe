"""The scorer as ``serve`` runs it: no settings, no secrets, one socket."""

import sys

from backend.config import Settings
from backend.serve.children import ChildSpec
from backend.serve.environment import python_environment


def scorer_child(settings: Settings) -> ChildSpec:
    """Return the broker's command; its environment holds nothing but where this project is."""
    return ChildSpec(
        name="scorer",
        command=[
            sys.executable, "-m", "backend.engines.sandbox.broker", str(settings.scorer_socket),
        ],
        environment=python_environment({}),
        stop_seconds=3.0,
    )  # fmt: skip
