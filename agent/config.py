"""Settings: read once from the environment, checked strictly, then frozen.

An empty variable counts as unset. A variable that is set is honoured or refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.cutover_settings import CutoverSettings, read_cutover
from agent.environment import Environment
from agent.secret import Secret

_SLOWEST_NOTICE_SECONDS = 2.0


@dataclass(frozen=True)
class Settings:
    """Every setting of the agent. Intervals, timeouts and waits are seconds.

    ``replica_enabled`` is None while this host says nothing: then the backend decides.
    """

    server_url: str
    client_token: Secret
    logical_agent_id: str | None
    aws_region: str | None
    metadata_endpoint: str
    heartbeat_interval: float
    pending_commands_check_interval: float
    config_refresh_interval: float
    pricing_report_interval: float
    inventory_interval: float
    termination_check_interval: float
    rebalance_check_interval: float
    cleanup_interval: float
    cleanup_snapshots_older_than_days: int
    cleanup_amis_older_than_days: int
    auto_terminate_old_instance: bool
    terminate_wait_time: float | None
    create_snapshot_on_switch: bool
    replica_enabled: bool | None
    replica_count: int
    emergency_replica_enabled: bool
    replica_sync_command: str | None
    drain_command: str | None
    drain_timeout: float
    cutover: CutoverSettings
    snapshot_on_termination: bool
    launch_timeout: float
    ec2_poll_interval: float
    readiness_timeout: float
    readiness_tcp_port: int
    readiness_http_url: str | None
    readiness_command: str | None
    state_dir: Path
    log_dir: Path | None
    log_format: str
    log_level: str

    @property
    def sync_interval(self) -> float:
        """How often the agent syncs: the smaller of the two polling intervals."""
        return min(self.heartbeat_interval, self.pending_commands_check_interval)

    @property
    def notice_interval(self) -> float:
        """How often instance metadata is asked for a notice: a notice leaves two minutes."""
        return min(self.termination_check_interval, _SLOWEST_NOTICE_SECONDS)


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: names the variable, and what is allowed.
    """
    read = Environment(environ)
    return Settings(
        server_url=read.url("SPOT_OPTIMIZER_SERVER_URL", "http://localhost:5000"),
        client_token=read.secret("SPOT_OPTIMIZER_CLIENT_TOKEN"),
        logical_agent_id=read.text("LOGICAL_AGENT_ID"),
        aws_region=read.text("AWS_REGION"),
        metadata_endpoint=read.url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254"),
        heartbeat_interval=read.seconds("HEARTBEAT_INTERVAL", 30),
        pending_commands_check_interval=read.seconds("PENDING_COMMANDS_CHECK_INTERVAL", 15),
        config_refresh_interval=read.seconds("CONFIG_REFRESH_INTERVAL", 60),
        pricing_report_interval=read.seconds("PRICING_REPORT_INTERVAL", 300),
        inventory_interval=read.seconds("INVENTORY_INTERVAL", 3600),
        termination_check_interval=read.seconds("TERMINATION_CHECK_INTERVAL", 5),
        rebalance_check_interval=read.seconds("REBALANCE_CHECK_INTERVAL", 30),
        cleanup_interval=read.seconds("CLEANUP_INTERVAL", 3600),
        cleanup_snapshots_older_than_days=read.whole("CLEANUP_SNAPSHOTS_OLDER_THAN_DAYS", 7, 3650),
        cleanup_amis_older_than_days=read.whole("CLEANUP_AMIS_OLDER_THAN_DAYS", 30, 3650),
        auto_terminate_old_instance=read.flag("AUTO_TERMINATE_OLD_INSTANCE", default=True),
        terminate_wait_time=read.seconds("TERMINATE_WAIT_TIME", 0, least=0)
        if read.text("TERMINATE_WAIT_TIME")
        else None,
        create_snapshot_on_switch=read.flag("CREATE_SNAPSHOT_ON_SWITCH", default=True),
        replica_enabled=read.flag("REPLICA_ENABLED", default=False)
        if read.text("REPLICA_ENABLED")
        else None,
        replica_count=read.whole("REPLICA_COUNT", 1, 5),
        emergency_replica_enabled=read.flag("EMERGENCY_REPLICA_ENABLED", default=True),
        replica_sync_command=read.text("REPLICA_SYNC_COMMAND"),
        drain_command=read.text("DRAIN_COMMAND"),
        drain_timeout=read.seconds("DRAIN_TIMEOUT", 30),
        cutover=read_cutover(read),
        snapshot_on_termination=read.flag("SNAPSHOT_ON_TERMINATION", default=False),
        launch_timeout=read.seconds("LAUNCH_TIMEOUT", 300),
        ec2_poll_interval=read.seconds("EC2_POLL_INTERVAL", 5),
        readiness_timeout=read.seconds("READINESS_TIMEOUT", 300),
        readiness_tcp_port=read.whole("READINESS_TCP_PORT", 0, 65_535),
        readiness_http_url=read.text("READINESS_HTTP_URL"),
        readiness_command=read.text("READINESS_COMMAND"),
        state_dir=Path(read.text("STATE_DIR") or "/var/lib/spot-optimizer"),
        log_dir=Path(found) if (found := read.text("LOG_DIR")) else None,
        log_format=read.choice("LOG_FORMAT", "json", "plain"),
        log_level=read.choice("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR"),
    )
