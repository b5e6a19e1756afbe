"""``python -m agent``: run the agent until it is told to stop.

Exit codes: 0 stopped as asked; 2 a setting cannot be used; 3 a worker is stuck (start it again);
4 another agent works on the same state folder; 5 no instance metadata: this is no EC2 instance.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from types import FrameType

from agent import VERSION
from agent.clock import SystemClock
from agent.config import load_settings
from agent.env_file import load_env_file
from agent.errors import AlreadyRunning, ConfigError, ImdsUnavailable, WorkerStuck
from agent.logs import configure_logging

logger = logging.getLogger(__name__)

STOPPED, MISCONFIGURED, STUCK, ALREADY_RUNNING, NOT_ON_EC2 = 0, 2, 3, 4, 5


def main() -> int:
    """Run, and return the exit code."""
    try:
        load_env_file()
        settings = load_settings(os.environ)
        configure_logging(settings.log_dir, settings.log_format, settings.log_level)
        logger.info("Agent %s starts", VERSION, extra={"action": "agent_started"})
        # boto3 takes long to import: complain about settings before.
        from agent.bootstrap import assemble
        from agent.parts import gather

        parts = gather(settings, SystemClock())
        supervisor = assemble(parts)
    except (ConfigError, OSError) as error:
        return _give_up(error, MISCONFIGURED)
    except AlreadyRunning as error:
        return _give_up(error, ALREADY_RUNNING)
    except ImdsUnavailable as error:
        return _give_up(error, NOT_ON_EC2)

    def stop(_number: int, _frame: FrameType | None) -> None:
        supervisor.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        supervisor.run()
    except WorkerStuck as error:
        return _give_up(error, STUCK)
    finally:
        parts.documents.release()
    return STOPPED


def _give_up(error: Exception, code: int) -> int:
    logger.error("%s", error, extra={"action": "agent_gave_up", "exit_code": code})
    print(f"spot-optimizer-agent: {error}", file=sys.stderr)  # noqa: T201 - for whoever started us
    return code


if __name__ == "__main__":
    sys.exit(main())
