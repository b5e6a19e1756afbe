"""The real process: how it starts, what it weighs, how it stops, and what it exits with."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.agent_http import Answer, LoopbackServer, Seen

ROOT = Path(__file__).resolve().parents[2]
_SPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
_PRICES = "".join(
    f"<item><availabilityZone>us-east-1{az}</availabilityZone><instanceType>m5.large</instanceType>"
    f"<spotPrice>0.03</spotPrice><timestamp>2026-03-02T12:00:00Z</timestamp></item>"
    for az in "abcdef"
)


def _answer_as_ec2(seen: Seen) -> Answer:
    content = (
        f"<spotPriceHistorySet>{_PRICES}</spotPriceHistorySet><reservationSet/>"
        "<availabilityZoneInfo><item><zoneName>us-east-1a</zoneName><zoneId>use1-az4</zoneId>"
        "</item></availabilityZoneInfo>"
    )
    return Answer(200, f'<Response xmlns="{_SPACE}">{content}</Response>')


@pytest.fixture
def cloud() -> Iterator[LoopbackServer]:
    server = LoopbackServer(_answer_as_ec2)
    # boto3 sends forms, not JSON: only the answer matters here.
    yield server
    server.close()


@pytest.fixture
def start(tmp_path, backend, imds, cloud) -> Iterator[Callable[..., subprocess.Popen]]:
    processes: list[subprocess.Popen] = []

    def run(*program: str, cwd: Path = ROOT, **over: str) -> subprocess.Popen:
        environ = {
            "PATH": os.environ["PATH"],
            "SPOT_OPTIMIZER_SERVER_URL": backend.server.url,
            "SPOT_OPTIMIZER_CLIENT_TOKEN": "token-1",
            "LOGICAL_AGENT_ID": "web-1",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_EC2": cloud.url,
            "AWS_ENDPOINT_URL_PRICING": cloud.url,
            "AWS_ACCESS_KEY_ID": "k",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url,
            "HEARTBEAT_INTERVAL": "0.3",
            "PRICING_REPORT_INTERVAL": "0.5",
            "STATE_DIR": str(tmp_path / "state"),
            "LOG_DIR": str(tmp_path / "logs"),
        }
        processes.append(
            subprocess.Popen(
                [sys.executable, *(program or ("-m", "agent"))],
                env={**environ, **over}, cwd=cwd, stderr=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        return processes[-1]

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _await(condition: Callable[[], object], seconds: float = 20.0) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds
        threading.Event().wait(0.02)
    return time.monotonic() - started


def _processor_seconds(process: subprocess.Popen) -> float:
    """What starting takes on a machine that does nothing else: nothing in it waits."""
    words = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _rss_megabytes(process: subprocess.Popen) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def test_agent_registers_soon_stays_small_and_stops_politely(start, backend, imds, tmp_path):
    imds.set_tags({"Name": "web"})
    process = start()
    _await(lambda: backend.calls("/register"))
    seconds = _processor_seconds(process)
    _await(lambda: len(backend.calls("/pricing-report")) > 1)
    megabytes = _rss_megabytes(process)
    asked_at = time.monotonic()

    process.send_signal(signal.SIGTERM)
    code = process.wait(10)

    assert code == 0
    assert time.monotonic() - asked_at < 10
    assert seconds < 2
    assert megabytes < 80
    assert backend.calls("/heartbeat")[-1].body == {"status": "offline", "instance_id": "i-old"}
    log = (tmp_path / "logs" / "agent.log").read_text()
    assert "agent_registered" in log
    assert "token-1" not in log


def test_agent_that_was_killed_starts_again(start, backend, tmp_path):
    process = start()
    _await(lambda: backend.calls("/sync"))
    process.kill()
    process.wait()

    start()

    _await(lambda: len(backend.calls("/register")) == 2)


def test_second_agent_on_the_same_folder_gives_up(start, backend):
    start()
    _await(lambda: backend.calls("/sync"))

    second = start()

    assert second.wait(20) == 4
    assert "Another agent" in second.stderr.read()


@pytest.mark.parametrize("folder", ["/", "agent", "docs"])
def test_thin_entry_starts_from_any_folder(start, folder):
    process = start(
        str(ROOT / "agent" / "spot_optimizer_agent.py"),
        cwd=ROOT / folder,
        SPOT_OPTIMIZER_CLIENT_TOKEN="",
    )

    assert process.wait(20) == 2
    assert "SPOT_OPTIMIZER_CLIENT_TOKEN" in process.stderr.read()


def test_agent_gives_up_where_there_is_no_metadata(start, imds):
    imds.items.clear()

    assert start().wait(20) == 5
