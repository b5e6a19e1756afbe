"""Composition root: settings, clock and database in, every service out."""

from dataclasses import dataclass
from functools import partial

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database
from backend.db.sources import read_sources
from backend.engines.breaker import Breaker
from backend.engines.model_bytes import ModelBytes
from backend.engines.model_scoring import ModelScoring
from backend.engines.sandbox.scorer_client import ScorerClient
from backend.observability.metrics import Metrics
from backend.services.agent_configs import AgentConfigs
from backend.services.agent_sync import AgentSync
from backend.services.api_keys import ApiKeys
from backend.services.cleanup_reports import CleanupReports
from backend.services.client_tokens import ClientTokens
from backend.services.clients import Clients
from backend.services.command_queue import CommandQueue
from backend.services.encryption import Vault
from backend.services.first_operator import forget_first_password
from backend.services.fleet import Fleet
from backend.services.health import HealthService
from backend.services.launch_specs import LaunchSpecs
from backend.services.model_uploads import ModelUploads
from backend.services.model_versions import ModelVersions
from backend.services.operators import Operators
from backend.services.presence import Presence
from backend.services.price_reports import PriceReports
from backend.services.registration import Registration
from backend.services.retirements import Retirements
from backend.services.schema_state import pending_migrations
from backend.services.scorer_health import scorer_parts
from backend.services.sign_in import SignIn
from backend.services.status import StatusService
from backend.services.switch_progress import SwitchProgress
from backend.services.switch_reports import SwitchReports
from backend.services.switch_requests import SwitchRequests
from backend.services.tokens import TokenAuthenticator


@dataclass(frozen=True, slots=True)
class Container:
    """The services of one process. Add a service with one line here and one in the builder."""

    settings: Settings
    clock: Clock
    database: Database
    metrics: Metrics
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
    launch_specs: LaunchSpecs
    status: StatusService
    model_uploads: ModelUploads
    model_versions: ModelVersions
    model_scoring: ModelScoring
    is_engine_loaded: bool = False  # this version decides nothing by itself


def build_container(settings: Settings, clock: Clock, database: Database) -> Container:
    """Build every service over one database. Opens no connection."""
    tokens = TokenAuthenticator(database, clock, cache_seconds=settings.token_cache_seconds)
    scorer = ScorerClient(settings.scorer_socket, Breaker(clock))
    model_bytes = ModelBytes(database, settings.ml_models_dir)
    health = HealthService(
        database, clock, pending_migrations(read_sources()), partial(scorer_parts, scorer)
    )
    registration = Registration(database, clock, settings)
    presence = Presence(database, clock, registration)
    return Container(
        settings=settings,
        clock=clock,
        database=database,
        metrics=Metrics(),
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
        agent_sync=AgentSync(database, clock, presence),
        command_queue=CommandQueue(database, clock),
        price_reports=PriceReports(database, clock, settings),
        switch_requests=SwitchRequests(database, clock),
        switch_reports=SwitchReports(database, clock, settings),
        cleanup_reports=CleanupReports(database, clock),
        fleet=Fleet(database),
        switch_progress=SwitchProgress(database, clock),
        retirements=Retirements(database, clock),
        launch_specs=LaunchSpecs(database, clock, Vault(settings.secret_key)),
        status=StatusService(database, clock, health),
        model_uploads=ModelUploads(database, clock, model_bytes, scorer),
        model_versions=ModelVersions(database, clock, model_bytes, scorer),
        model_scoring=ModelScoring(database, clock, model_bytes, scorer),
    )
