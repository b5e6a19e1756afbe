"""Metrics of one process, and of several together."""

import os
import subprocess
import sys

from backend.observability.metrics import Metrics


def test_apps_do_not_share_counts():
    one, two = Metrics(), Metrics()

    one.observe_request("GET", "/a", 200, 0.003)

    assert 'http_requests_total{method="GET",route="/a",status="200"} 1.0' in one.render().decode()
    assert "/a" not in two.render().decode()


def test_duration_falls_into_its_bucket():
    metrics = Metrics()

    metrics.observe_request("GET", "/a", 200, 0.003)

    text = metrics.render().decode()
    assert '_bucket{le="0.0025",method="GET",route="/a"} 0.0' in text
    assert '_bucket{le="0.005",method="GET",route="/a"} 1.0' in text


def test_workers_are_counted_together_when_a_folder_is_given(tmp_path):
    code = (
        "from backend.observability.metrics import Metrics\n"
        "m = Metrics(); m.observe_request('GET', '/a', 200, 0.1); print(m.render().decode())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    run = [sys.executable, "-c", code]

    subprocess.run(run, env=environment, check=True, capture_output=True)
    second = subprocess.run(run, env=environment, check=True, capture_output=True, text=True)

    assert 'status="200"} 2.0' in second.stdout
