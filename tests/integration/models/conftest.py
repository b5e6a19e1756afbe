"""One scorer for all tests here: a confined process takes seconds to start."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.engines.sandbox.scorer_client import ScorerClient
from tests.fakes.scorer import client_of, running_scorer


@pytest.fixture(scope="session")
def scorer_socket() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="spot-scorer-test-"))
    with running_scorer(folder / "scorer.sock"):
        yield folder / "scorer.sock"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def scorer(scorer_socket: Path) -> Iterator[ScorerClient]:
    client = client_of(scorer_socket)
    yield client
    client.close()
