"""The scorer and the layers of its sandbox, as parts of ``/health``. None of them is vital."""

from backend.engines.errors import ScorerUnavailable
from backend.engines.sandbox.scorer_client import ScorerClient
from backend.errors import SpotOptimizerError
from backend.services.health import Part


def scorer_parts(scorer: ScorerClient) -> dict[str, Part]:
    """Return whether the scorer runs, and each layer as it was tried when it started."""
    try:
        status = scorer.status()
    except ScorerUnavailable as error:
        return {"scorer": Part(is_ok=False, state=error.message, is_vital=False)}
    except SpotOptimizerError:
        return {"scorer": Part(is_ok=False, state="gives no status", is_vital=False)}
    layers = {
        f"sandbox_{name}": Part(is_ok=bool(layer["ok"]), state=str(layer["state"]), is_vital=False)
        for name, layer in status["layers"].items()
    }
    is_running = bool(status["is_running"])
    state = "running" if is_running else "its confined process is being started"
    return {"scorer": Part(is_ok=is_running, state=state, is_vital=False), **layers}
