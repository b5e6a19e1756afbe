"""Composition root: settings, clock and database in, every service out."""

from dataclasses import dataclass, field
from functools import partial

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database
from backend.db.sources import read_sources
from backend.engines.breaker import Breaker
from backend.engines.host import EngineHost
from backend.engines.live_hazard import LiveHazard
from backend.engines.model_bytes import ModelBytes
from backend.engines.model_scoring import ModelScoring
from backend.engines.sandbox.scorer_client import ScorerClient
from backend.observability.metrics import Metrics
from backend.services.activity import Activity
from backend.services.agent_configs import AgentConfigs
from backend.services.agent_deletion import AgentDeletion
from backend.services.agent_lists import AgentLists
from backend.services.agent_room import AgentRooms
from backend.services.agent_settings import AgentSettings
from backend.services.agent_sync import AgentSync
from backend.services.api_keys import ApiKeys
from backend.services.channel_senders import AppriseSender
from backend.services.cleanup_reports import CleanupReports
from backend.services.client_overview import ClientOverview
from backend.services.client_tokens import ClientTokens
from backend.services.clients import Clients
from backend.services.command_queue import CommandQueue
from backend.services.decision_limits import AgentLimits
from backend.services.decision_views import DecisionViews
from backend.services.decisions import Decisions
from backend.services.emergency_plans import EmergencyPlans
from backend.services.encryption import CHANNEL, Vault
from backend.services.engine_choice import EngineChoice, build_host
from backend.services.findings import Findings
from backend.services.first_operator import forget_first_password
from backend.services.fleet import Fleet
from backend.services.freezes import Freezes
from backend.services.health import HealthService
from backend.services.installed_emergencies import InstalledEmergencies
from backend.services.instance_lists import InstanceLists
from backend.services.instance_prices import InstancePrices
from backend.services.interruptions import Interruptions
from backend.services.launch_specs import LaunchSpecs
from backend.services.model_predictions import ModelPredictions, PredictionOutcomes
from backend.services.model_uploads import ModelUploads
from backend.services.model_versions import ModelVersions
from backend.services.notification_channels import NotificationChannels
from backend.services.notifications import Notifications
from backend.services.operators import Operators
from backend.services.pool_statistics import PoolStatistics
from backend.services.presence import Presence
from backend.services.price_charts import PriceCharts
from backend.services.price_reports import PriceReports
from backend.services.promotion import Promotion
from backend.services.registration import Registration
from backend.services.rehearsals import Rehearsals
from backend.services.replica_claims import ReplicaClaims
from backend.services.replica_decisions import ReplicaDecisions
from backend.services.replica_lists import ReplicaLists
from backend.services.replica_requests import ReplicaRequests
from backend.services.replica_takeover import ReplicaTakeover
from backend.services.replicas import Replicas
from backend.services.retirements import Retirements
from backend.services.savings import Savings
from backend.services.savings_overview import SavingsOverview
from backend.services.schema_state import pending_migrations
from backend.services.scorer_health import scorer_parts
from backend.services.search import Search
from backend.services.sign_in import SignIn
from backend.services.status import StatusService
from backend.services.switch_history import SwitchHistory
from backend.services.switch_progress import SwitchProgress
from backend.services.switch_reports import SwitchReports
from backend.services.switch_requests import SwitchRequests
from backend.services.terminations import Terminations
from backend.services.tokens import TokenAuthenticator


@dataclass(frozen=True, slots=True, kw_only=True)
class Modelling:
    """Uploaded models: taken in, switched, asked."""

    uploads: ModelUploads
    versions: ModelVersions
    outcomes: PredictionOutcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating:
    """What operators and client users read and set."""

    agent_settings: AgentSettings
    agent_deletion: AgentDeletion
    agent_lists: AgentLists
    agent_rooms: AgentRooms
    price_charts: PriceCharts
    instance_lists: InstanceLists
    instance_prices: InstancePrices
    switch_history: SwitchHistory
    client_overview: ClientOverview
    activity: Activity
    notifications: Notifications
    channels: NotificationChannels
    search: Search
    pool_statistics: PoolStatistics
    savings_overview: SavingsOverview


@dataclass(frozen=True, slots=True)
class Deciding:
    """The services around decisions, over one host of engines."""

    host: EngineHost
    scoring: ModelScoring
    choice: EngineChoice
    decisions: Decisions
    views: DecisionViews
    limits: AgentLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """The services of one process. Add a service with one line here and one in the builder."""

    settings: Settings
    clock: Clock
    database: Database
    metrics: Metrics = field(default_factory=Metrics)
    health: HealthService
    tokens: TokenAuthenticator
    api_keys: ApiKeys
    sign_in: SignIn
    clients: Clients
    client_tokens: ClientTokens
    operators: Operators
    registration: Registration
    presence: Presence
    agent_configs: AgentConfigs
    agent_sync: AgentSync
    command_queue: CommandQueue
    price_reports: PriceReports
    switch_requests: SwitchRequests
    switch_reports: SwitchReports
    cleanup_reports: CleanupReports
    fleet: Fleet
    switch_progress: SwitchProgress
    retirements: Retirements
    replicas: Replicas
    replica_lists: ReplicaLists
    replica_requests: ReplicaRequests
    replica_decisions: ReplicaDecisions
    interruptions: Interruptions
    installed_emergencies: InstalledEmergencies
    findings: Findings
    freezes: Freezes
    rehearsals: Rehearsals
    terminations: Terminations
    launch_specs: LaunchSpecs
    status: StatusService
    deciding: Deciding
    operating: Operating
    modelling: Modelling


def build_container(settings: Settings, clock: Clock, database: Database) -> Container:
    """Build every service over one database. Opens no connection."""
    tokens = TokenAuthenticator(database, clock, cache_seconds=settings.token_cache_seconds)
    scorer = ScorerClient(settings.scorer_socket, Breaker(clock))
    health = _health(clock, database, scorer)
    promotion = Promotion(database)
    takeover = ReplicaTakeover(database, clock, promotion)
    registration = _registration(settings, clock, database, takeover)
    presence = Presence(database, clock, registration)
    plans = EmergencyPlans(database, clock, is_sef_on=settings.enable_sef)
    switch_requests = SwitchRequests(database, clock)
    interruptions = Interruptions(database, clock, settings)
    return Container(
        settings=settings,
        clock=clock,
        database=database,
        health=health,
        tokens=tokens,
        api_keys=ApiKeys(database, clock),
        sign_in=SignIn(database, clock),
        clients=Clients(database, clock, tokens),
        client_tokens=ClientTokens(database, clock, tokens),
        operators=Operators(database, clock, partial(forget_first_password, settings.local_dir)),
        registration=registration,
        presence=presence,
        agent_configs=AgentConfigs(database),
        agent_sync=AgentSync(database, clock, presence, plans),
        command_queue=CommandQueue(database, clock),
        price_reports=PriceReports(database, clock, settings),
        switch_requests=switch_requests,
        switch_reports=SwitchReports(database, clock, settings),
        cleanup_reports=CleanupReports(database, clock),
        fleet=Fleet(database),
        switch_progress=SwitchProgress(database, clock),
        retirements=Retirements(database, clock),
        replicas=Replicas(database, clock, takeover),
        replica_lists=ReplicaLists(database, clock),
        replica_requests=ReplicaRequests(database, clock, takeover),
        replica_decisions=ReplicaDecisions(database, clock, promotion),
        interruptions=interruptions,
        installed_emergencies=InstalledEmergencies(database, clock, interruptions, switch_requests),
        findings=Findings(database, clock, interruptions),
        freezes=Freezes(database, clock),
        rehearsals=Rehearsals(database, clock, settings, interruptions, promotion),
        terminations=Terminations(database, clock, presence),
        launch_specs=LaunchSpecs(database, clock, Vault(settings.secret_key)),
        status=StatusService(database, clock),
        deciding=_deciding(settings, clock, database, scorer),
        operating=_operating(settings, clock, database),
        modelling=_modelling(settings, clock, database, scorer),
    )


def _registration(
    settings: Settings, clock: Clock, database: Database, takeover: ReplicaTakeover
) -> Registration:
    return Registration(database, clock, settings, ReplicaClaims(database, clock, takeover))


def _deciding(
    settings: Settings, clock: Clock, database: Database, scorer: ScorerClient
) -> Deciding:
    scoring = ModelScoring(database, clock, ModelBytes(database, settings.ml_models_dir), scorer)
    host = build_host(settings, clock, LiveHazard(scoring))
    return Deciding(
        host=host,
        scoring=scoring,
        choice=EngineChoice(database, clock, settings, host),
        decisions=Decisions(database, clock, host, ModelPredictions(database, scoring)),
        views=DecisionViews(database, clock),
        limits=AgentLimits(database, clock),
    )


def _operating(settings: Settings, clock: Clock, database: Database) -> Operating:
    savings = Savings(database, clock)
    silence_seconds = settings.agent_heartbeat_timeout_seconds
    return Operating(
        agent_settings=AgentSettings(database, clock),
        agent_deletion=AgentDeletion(database, clock),
        agent_lists=AgentLists(database, clock, savings, silence_seconds),
        agent_rooms=AgentRooms(database, clock),
        price_charts=PriceCharts(database, clock),
        instance_lists=InstanceLists(database, clock, savings),
        instance_prices=InstancePrices(database, clock),
        switch_history=SwitchHistory(database),
        client_overview=ClientOverview(database, clock, savings),
        activity=Activity(database),
        notifications=Notifications(database, clock),
        channels=_channels(settings, clock, database),
        search=Search(database),
        pool_statistics=PoolStatistics(database, clock),
        savings_overview=SavingsOverview(database, clock),
    )


def _channels(settings: Settings, clock: Clock, database: Database) -> NotificationChannels:
    allowed = settings.channel_allowed_networks or ()
    vault = Vault(settings.secret_key, CHANNEL)
    return NotificationChannels(database, clock, vault, AppriseSender(allowed), allowed)


def _health(clock: Clock, database: Database, scorer: ScorerClient) -> HealthService:
    pending = pending_migrations(read_sources())
    return HealthService(database, clock, pending, partial(scorer_parts, scorer))


def _modelling(
    settings: Settings, clock: Clock, database: Database, scorer: ScorerClient
) -> Modelling:
    model_bytes = ModelBytes(database, settings.ml_models_dir)
    return Modelling(
        uploads=ModelUploads(database, clock, model_bytes, scorer),
        versions=ModelVersions(database, clock, model_bytes, scorer),
        outcomes=PredictionOutcomes(database, clock),
    )
