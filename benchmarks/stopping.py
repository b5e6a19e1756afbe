"""Does a web server let a request in flight end when it is told to stop?"""

import http.client
import os
import signal
import threading
import time
from contextlib import closing

from backend.clock import Clock
from backend.db.connect import connect
from backend.db.open import local_server
from benchmarks import web
from benchmarks.samples import environ
from benchmarks.stage import Stage

HOLD_SECONDS = 1.0


def finishes_what_is_in_flight(stage: Stage, clock: Clock, command: web.Command) -> bool:
    """Hold a heartbeat in the database, ask the server to stop, let go, and look at the answer.

    Args:
        stage: The fleet; the row of its first agent is locked for a moment.
        clock: The machine's clock.
        command: What makes the server's command line.
    """
    request = environ("heartbeat", 0, stage.token.text, clock.now())
    statuses: list[int] = []
    with (
        closing(connect(local_server(stage.settings).address)) as holder,
        web.product(stage, command) as served,
    ):
        holder.cmd_query(b"START TRANSACTION")
        agent = request["PATH_INFO"].split("/")[3]
        holder.cmd_query(f"UPDATE instances SET is_steady = 1 WHERE agent_id = '{agent}'".encode())
        sender = threading.Thread(target=_send, args=(served.port, request, statuses))
        sender.start()
        time.sleep(HOLD_SECONDS)  # it has reached the database by now
        os.kill(served.group, signal.SIGTERM)
        time.sleep(HOLD_SECONDS)
        holder.cmd_query(b"ROLLBACK")
        sender.join(web.READY_SECONDS)
    return statuses == [http.client.OK]


def _send(port: int, request: dict[str, object], statuses: list[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {
        "Authorization": str(request["HTTP_AUTHORIZATION"]),
        "X-Instance-Id": str(request["HTTP_X_INSTANCE_ID"]),
        "Content-Type": "application/json",
    }
    body = request["wsgi.input"].read()  # type: ignore[attr-defined]
    with closing(connection):
        try:
            connection.request("POST", str(request["PATH_INFO"]), body, headers)
            statuses.append(connection.getresponse().status)
        except (OSError, http.client.HTTPException):
            return  # cut off: no status
