"""Thin entry, as installed units call it: ``python agent/spot_optimizer_agent.py``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).parent]

from agent.__main__ import main  # noqa: E402 - the path comes first

if __name__ == "__main__":
    sys.exit(main())
