"""What a drill leaves behind: the region's truth on one side, the backend's books on the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

OUR_TAG = ("ManagedBy", "SpotOptimizer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """An instance as the region knows it."""

    instance_id: str
    pool: str
    launched_at: datetime
    launched_by: str  # access key: an agent's is the id of its instance
    tags: Mapping[str, str]
    ended_at: datetime | None = None
    ended_by: str | None = None
    notice_at: datetime | None = None
    deadline_at: datetime | None = None  # until EC2 ends it by itself
    believes: str | None = None  # the role that its agent has last been told, from its disk

    @property
    def is_live(self) -> bool:
        """Whether nothing has ended it."""
        return self.ended_at is None

    @property
    def by_agent(self) -> bool:
        """Whether an agent launched it."""
        return self.launched_by.startswith("i-")

    @property
    def order_id(self) -> str | None:
        """The command or replica that it was launched for."""
        return self.tags.get("CommandId") or self.tags.get("ReplicaId")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEntry:
    """An agent in the books."""

    agent_id: str
    logical_agent_id: str
    primary_instance_id: str | None
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceEntry:
    """An instance in the books."""

    agent_id: str
    instance_id: str
    role: str
    first_seen_at: datetime | None = None
    prices_at: datetime | None = None  # of its last price report


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEntry:
    """A command in the books."""

    command_id: str
    agent_id: str
    command_type: str
    status: str
    outcome_code: str | None = None
    message: str | None = None
    not_before: str | None = None  # ISO instant: nothing is to happen earlier


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchEntry:
    """A switch in the books."""

    switch_id: str
    agent_id: str
    command_id: str | None
    cause: str
    status: str
    requested_at: datetime
    failed_step: str | None = None
    reason: str | None = None
    old_instance_id: str | None = None
    new_instance_id: str | None = None
    initiated_at: datetime | None = None
    launched_at: datetime | None = None
    ready_at: datetime | None = None
    cut_over_at: datetime | None = None
    reported_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has not come to its end."""
        return self.status not in ("completed", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Everything that the backend has written down."""

    agents: Sequence[AgentEntry]
    instances: Sequence[InstanceEntry]
    commands: Sequence[CommandEntry]
    switches: Sequence[SwitchEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Both sides, and what was seen and measured on the way.

    Attributes:
        machines: All instances of the region, oldest first.
        books: The backend's, at the end.
        issued: Ids of the commands that the API has confirmed.
        primaries: (agent id, epoch) to every instance that was seen as its primary then.
        calls: EC2 and Price List calls of agents, by action.
        agent_hours: How long agents ran, all together.
        boot_seconds: From launch to the agent's first process.
        taken_at: When all this was so; None: long after everything that was planned.
    """

    machines: Sequence[Machine]
    books: Books
    issued: Sequence[str] = ()
    primaries: Mapping[tuple[str, int], frozenset[str]] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    agent_hours: float = 0.0
    boot_seconds: float = 0.0
    taken_at: datetime | None = None
