"""Reproducible chance: the same seed and the same names give the same world."""

import random


def stream(seed: int, *names: object) -> random.Random:
    """Return a generator of its own for one purpose, independent of all others."""
    key = "/".join(str(part) for part in (seed, *names))
    return random.Random(key)  # noqa: S311 - a simulation wants repetition, not secrecy
