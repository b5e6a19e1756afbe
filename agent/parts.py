"""What one agent is made of, without the wiring of workers and actions."""

from __future__ import annotations

import logging

from agent.actions.queue import ActionQueue
from agent.aws.addresses import Addresses
from agent.aws.calls import CallCounter
from agent.aws.ec2 import Ec2
from agent.aws.images import Images
from agent.aws.ondemand_prices import OndemandPrices
from agent.aws.session import AwsSession
from agent.aws.spot_prices import SpotPrices
from agent.aws.target_groups import TargetGroups
from agent.backend_client.client import BackendClient
from agent.backend_client.transport import Transport
from agent.clock import Clock
from agent.config import Settings
from agent.documents import Documents
from agent.emergency_plan import PlanBook
from agent.errors import AwsError
from agent.identity import Identity, read_identity
from agent.imds import Imds
from agent.journal import Journal
from agent.logs import doing
from agent.notices import NoticeBook
from agent.outbox import Outbox
from agent.own_host import OwnHost
from agent.prices import PriceBook
from agent.state import AgentState

logger = logging.getLogger(__name__)


class Parts:
    """Everything that one agent is made of; built once, in the order of dependence."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        documents: Documents,
        counter: CallCounter,
        session: AwsSession,
        imds: Imds,
        clock: Clock,
    ) -> None:
        self.settings, self.identity, self.clock = settings, identity, clock
        self.documents, self.counter, self.imds = documents, counter, imds
        self.ec2 = Ec2(session)
        self.addresses, self.targets = Addresses(session), TargetGroups(session)
        self.images = Images(session)
        self.state = AgentState(documents, clock)
        self.journal = Journal(documents, clock)
        self.outbox = Outbox(documents)
        self.notices = NoticeBook(documents, identity.instance_id, clock)
        self.plans = PlanBook(documents)
        self.queue = ActionQueue(clock)
        self.client = BackendClient(
            Transport(settings.server_url, settings.client_token, identity.instance_id)
        )
        self.own_host = OwnHost(identity, self.ec2, clock)
        self.prices = PriceBook(
            identity,
            self.ec2,
            SpotPrices(session),
            OndemandPrices(session, documents, clock),
            clock,
        )


def gather(settings: Settings, clock: Clock) -> Parts:
    """Find out who we are, claim the state folder, and make the parts.

    Raises:
        ImdsUnavailable: this is no EC2 instance, or its metadata service is off.
        AlreadyRunning: another agent works on the same state folder.
    """
    imds = Imds(settings.metadata_endpoint, clock)
    identity = read_identity(imds, settings.logical_agent_id, settings.aws_region)
    documents = Documents(settings.state_dir, identity.instance_id)
    documents.claim()
    counter = CallCounter(clock, documents)
    session = AwsSession(identity.region, counter)
    if identity.tags is None:
        tags = _tags_from_ec2(Ec2(session), identity.instance_id)
        identity = identity.with_tags(tags, settings.logical_agent_id)
    return Parts(settings, identity, documents, counter, session, imds, clock)


def _tags_from_ec2(ec2: Ec2, instance_id: str) -> dict[str, str]:
    """Ask EC2 where instance metadata does not offer tags; who may not ask has none."""
    with doing("identity"):
        try:
            own = ec2.find(instance_id)
        except AwsError as error:
            logger.warning("No instance tags: %s", error, extra={"action": "tags_unknown"})
            return {}
    return dict(own.tags) if own is not None else {}
