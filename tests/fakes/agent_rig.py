"""An agent in one thread: the real parts, on fakes of EC2 and time, and over real HTTP."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agent.actions.queue import ActionQueue
from agent.backend_client.client import BackendClient
from agent.backend_client.transport import Transport
from agent.bootstrap import assemble
from agent.config import load_settings
from agent.documents import Documents
from agent.emergency_plan import PlanBook
from agent.identity import Identity
from agent.imds import Imds
from agent.journal import Journal
from agent.notices import NoticeBook
from agent.outbox import Outbox
from agent.own_host import OwnHost
from agent.parts import Parts
from agent.prices import PriceBook
from agent.secret import Secret
from agent.state import AgentState
from tests.fakes.agent_backend import FakeBackend
from tests.fakes.agent_ec2 import FakeEc2
from tests.fakes.clock import FakeClock


def make_identity(instance_id: str = "i-old", **over: Any) -> Identity:
    """An identity that is valid by default."""
    facts: dict[str, Any] = {
        "instance_id": instance_id,
        "instance_type": "m5.large",
        "az": "us-east-1a",
        "region": "us-east-1",
        "ami_id": "ami-1",
        "az_id": "use1-az4",
        "account_id": "111122223333",
        "mode": "spot",
        "private_ip": "10.0.0.5",
        "public_ip": None,
        "hostname": "host-1",
        "tags": {},
        "logical_agent_id": "web-1",
    }
    return Identity(**{**facts, **over})


class InstantQueue(ActionQueue):
    """Waits by moving the clock, and lets the other threads' work happen meanwhile."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.clock = clock
        self.waited = 0.0
        self.while_waiting: Any = lambda: None

    def wait(self, seconds: float) -> None:
        self.waited += seconds
        self.clock.advance(timedelta(seconds=max(seconds, 0.001)))
        self.while_waiting()


class FixedPrices:
    """Stands for the price list and the spot prices alike."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def read(self, *_: Any) -> Any:
        return self.answer


class Rig(Parts):
    """One agent on one instance. ``sync``, ``act`` and ``deliver`` are what its threads do."""

    def __init__(
        self,
        folder: Path,
        backend: FakeBackend,
        ec2: FakeEc2,
        *,
        identity: Identity | None = None,
        clock: FakeClock | None = None,
        documents: type[Documents] = Documents,
        transport: type[Transport] = Transport,
        environ: dict[str, str] | None = None,
        imds: Any = None,
    ) -> None:
        self.clock = clock or FakeClock()
        self.identity = identity or make_identity()
        token = {"SPOT_OPTIMIZER_CLIENT_TOKEN": "token-1", "STATE_DIR": str(folder)}
        self.settings = load_settings({**token, **(environ or {})})
        self.ec2 = ec2
        self.backend = backend
        self.documents = documents(folder, self.identity.instance_id)
        self.counter = SimpleNamespace(save=lambda: None)
        self.state = AgentState(self.documents, self.clock)
        self.journal = Journal(self.documents, self.clock)
        self.outbox = Outbox(self.documents)
        self.notices = NoticeBook(self.documents, self.identity.instance_id, self.clock)
        self.plans = PlanBook(self.documents)
        self.addresses = self.targets = self.images = ec2
        self.imds = imds or Imds("http://127.0.0.1:9", self.clock)
        self.queue = InstantQueue(self.clock)
        wire = transport(backend.server.url, Secret("token-1"), self.identity.instance_id)
        self.client = BackendClient(wire)
        self.own_host = OwnHost(self.identity, ec2, self.clock)
        spot = {"us-east-1a": Decimal("0.0351"), "us-east-1b": Decimal("0.0337")}
        ondemand = FixedPrices(Decimal("0.096"))
        self.prices = PriceBook(self.identity, ec2, FixedPrices(spot), ondemand, self.clock)
        self.supervisor = assemble(self)
        self.workers = {worker.name: worker for worker in self.supervisor._workers}
        self.actor = self.supervisor._actor
        self.queue.while_waiting = self.deliver

    def sync(self) -> None:
        """What the sync thread does once."""
        self.workers["sync"].tick()

    def deliver(self) -> None:
        """What the delivery thread does once; failures are met as that thread meets them."""
        if not self.state.is_registered:
            self.workers["sync"].attempt()
        self.workers["delivery"].attempt()

    def act(self, *, patience: float = 3600.0) -> None:
        """What the action thread does until nothing is due within that many seconds."""
        until = self.clock.monotonic() + patience
        while self.queue._jobs and not self.queue.must_yield(1000):
            next_due = min(job.due_at for job in self.queue._jobs)
            if next_due > until:
                self.clock.advance(timedelta(seconds=max(0.0, until - self.clock.monotonic())))
                break
            self.clock.advance(timedelta(seconds=max(0.0, next_due - self.clock.monotonic())))
            self.actor.perform(self.queue.take())
        self.deliver()

    def live(self) -> None:
        """Sync, act, deliver: one round of everything."""
        self.sync()
        self.act()
