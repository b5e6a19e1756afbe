"""Identifiers as EC2 makes them: a prefix and seventeen hexadecimal digits."""

import re
from random import Random


class Ids:
    """Makes identifiers out of seeded chance, so that a run can be repeated."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def make(self, prefix: str) -> str:
        """Return a new identifier, such as ``i-0123456789abcdef0``."""
        return f"{prefix}-0{self._chance.getrandbits(64):016x}"


def is_well_formed(identifier: str, prefix: str) -> bool:
    """Whether this could be an identifier of that kind."""
    return re.fullmatch(rf"{prefix}-[0-9a-f]{{8,17}}", identifier) is not None
