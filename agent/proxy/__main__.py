"""``python -m agent.proxy``: forward until told to stop.

Exit codes: 0 stopped as asked; 2 a setting cannot be used, or the port is taken.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from types import FrameType

from agent import VERSION
from agent.clock import SystemClock
from agent.env_file import load_env_file
from agent.errors import ConfigError
from agent.logs import configure_logging
from agent.proxy.server import ProxyServer
from agent.proxy.settings import load_proxy_settings
from agent.service_manager import ServiceManager

logger = logging.getLogger(__name__)


def main() -> int:
    """Run, and return the exit code."""
    try:
        load_env_file()
        settings = load_proxy_settings(os.environ)
        configure_logging(
            settings.log_dir, settings.log_format, settings.log_level, name="api-server"
        )
        server = ProxyServer(settings, SystemClock())
    except (ConfigError, OSError) as error:
        logger.error("%s", error, extra={"action": "proxy_gave_up"})  # noqa: TRY400 - a sentence
        print(f"spot-optimizer-api-server: {error}", file=sys.stderr)  # noqa: T201 - for whoever started us
        return 2
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    manager = ServiceManager(os.environ)
    logger.info(
        "Proxy %s listens on %s:%d", VERSION, settings.host, server.port,
        extra={"action": "proxy_started"},
    )  # fmt: skip
    manager.ready()
    while not stopping.is_set():
        server.look()
        manager.alive()
    manager.stopping()
    server.close()
    logger.info("Stopped", extra={"action": "proxy_stopped"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
