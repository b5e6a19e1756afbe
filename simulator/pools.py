"""A pool: one instance type in one availability zone."""

from typing import NamedTuple

from simulator.errors import SimulatorError


class Pool(NamedTuple):
    """One instance type in one availability zone; its name is ``{type}.{az}``."""

    instance_type: str
    az: str

    def __str__(self) -> str:
        return f"{self.instance_type}.{self.az}"


def parse_pool(name: str) -> Pool:
    """Read a pool's name.

    Raises:
        SimulatorError: it is not of the form ``{family}.{size}.{az}``.
    """
    instance_type, _, az = name.rpartition(".")
    if "." not in instance_type or not az:
        msg = f"{name!r} names no pool; write for example m5.large.eu-west-1a"
        raise SimulatorError(msg)
    return Pool(instance_type, az)
