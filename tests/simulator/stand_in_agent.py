"""Stands in for the agent: notes its start on its disk, and lives until it is killed."""

import json
import os
import threading
from pathlib import Path

state = Path(os.environ["STATE_DIR"])
with (state / "starts").open("a") as starts:
    starts.write(f"{os.environ['AWS_ACCESS_KEY_ID']} {os.getpid()}\n")
names = ("LOGICAL_AGENT_ID", "SPOT_OPTIMIZER_SERVER_URL", "AWS_REGION", "LOG_DIR", "HOME")
draft = state / "environment.draft"
draft.write_text(json.dumps({name: os.environ.get(name) for name in names}))
draft.rename(state / "environment")
threading.Event().wait()
