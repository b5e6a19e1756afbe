"""The things of the region. Their states are read off their instants, never stored."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from simulator.pools import Pool

ROOT_DEVICE = "/dev/xvda"


class Lifecycle(StrEnum):
    """How an instance is paid."""

    SPOT = "spot"
    ONDEMAND = "ondemand"


class EndCause(StrEnum):
    """Why an instance ended."""

    TERMINATED = "terminated"  # somebody asked for it
    INTERRUPTED = "interrupted"  # EC2 took it back
    DIED = "died"  # the hardware failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long things take. The real figures are of the order of the defaults, times 40."""

    pending: timedelta = timedelta(seconds=0.3)
    boot: timedelta = timedelta(seconds=1.0)  # from launch to the first process
    checks: timedelta = timedelta(seconds=2.0)  # from launch to both status checks passed
    shutting_down: timedelta = timedelta(seconds=0.5)
    image: timedelta = timedelta(seconds=2.0)
    notice: timedelta = timedelta(seconds=120)
    visible: timedelta = timedelta()  # until a new instance can be described
    remembered: timedelta = timedelta(hours=1)  # how long terminated ones are described


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchWish:
    """A checked request for one instance."""

    image_id: str
    instance_type: str
    lifecycle: Lifecycle
    az: str
    subnet_id: str
    group_ids: tuple[str, ...]
    caller: str = field(compare=False)  # the account is one, whoever repeats the request
    client_token: str | None = None
    user_data: str | None = None  # base64
    key_name: str | None = None
    profile_arn: str | None = None
    has_public_ip: bool = False
    metadata_options: dict[str, Any] = field(default_factory=dict)
    devices: tuple[dict[str, Any], ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    volume_tags: dict[str, str] = field(default_factory=dict)
    is_protected: bool = False
    ebs_optimized: bool = False
    monitoring: bool = False

    @property
    def pool(self) -> Pool:
        """The pool it asks for."""
        return Pool(self.instance_type, self.az)


@dataclass(slots=True, kw_only=True)
class Instance:
    """One instance, from launch to oblivion."""

    instance_id: str
    reservation_id: str
    wish: LaunchWish
    launched_at: datetime
    durations: Durations
    private_ip: str
    public_ip: str | None
    spot_request_id: str | None
    tags: dict[str, str]
    metadata_options: dict[str, Any]
    is_protected: bool
    volume_ids: list[str] = field(default_factory=list)
    rebalance_at: datetime | None = None
    notice_at: datetime | None = None
    deadline: datetime | None = None  # of the notice
    ended_at: datetime | None = None
    end_cause: EndCause | None = None
    ended_by: str | None = None

    @property
    def pool(self) -> Pool:
        """Its type and zone."""
        return self.wish.pool

    @property
    def is_live(self) -> bool:
        """Whether nothing has ended it."""
        return self.ended_at is None

    @property
    def is_spot(self) -> bool:
        """Whether it is a spot instance."""
        return self.wish.lifecycle is Lifecycle.SPOT

    def state(self, now: datetime) -> str:
        """Return EC2's word for its state."""
        if self.ended_at is not None:
            is_gone = now >= self.ended_at + self.durations.shutting_down
            return "terminated" if is_gone else "shutting-down"
        return "running" if now >= self.launched_at + self.durations.pending else "pending"

    def checks(self, now: datetime) -> str:
        """Return the state of its status checks: ``ok`` or ``initializing``."""
        return "ok" if now >= self.launched_at + self.durations.checks else "initializing"

    def is_described(self, now: datetime) -> bool:
        """Whether describe calls know it: not at once, and not for ever."""
        if now < self.launched_at + self.durations.visible:
            return False
        return self.ended_at is None or now < self.ended_at + self.durations.remembered


@dataclass(slots=True, kw_only=True)
class Volume:
    """A disk in the sense of EBS; its content is in the instance's folder."""

    volume_id: str
    az: str
    size_gib: int
    volume_type: str
    created_at: datetime
    device: str
    delete_on_termination: bool
    instance_id: str | None
    snapshot_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """A copy of a volume, made by an image."""

    snapshot_id: str
    volume_id: str
    size_gib: int
    started_at: datetime
    description: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Image:
    """An AMI: block devices over snapshots, and a folder with the disk's content."""

    image_id: str
    name: str
    description: str
    created_at: datetime
    available_at: datetime
    source_instance_id: str | None
    devices: list[dict[str, Any]]  # DeviceName, SnapshotId, VolumeSize, VolumeType
    tags: dict[str, str] = field(default_factory=dict)

    def state(self, now: datetime) -> str:
        """Return EC2's word for its state."""
        return "available" if now >= self.available_at else "pending"


@dataclass(slots=True, kw_only=True)
class Address:
    """An Elastic IP address."""

    allocation_id: str
    public_ip: str
    association_id: str | None = None
    instance_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
