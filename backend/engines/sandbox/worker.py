"""The confined process: reads models, scores rows, answers. Knows no file, network or database.

Started by the broker with an empty environment; one descriptor is its only way out.
"""

import sys
from pathlib import Path
from typing import Any, Final

from backend.engines.errors import ModelRefused, ScoringFailed, UnknownModel
from backend.engines.formats import reading
from backend.engines.sandbox import confinement, frames
from backend.engines.sandbox.confinement import Limits
from backend.engines.sandbox.frames import Broken, Head
from backend.engines.sandbox.streams import DescriptorStream
from backend.errors import SpotOptimizerError

MOST_MODELS: Final = 8  # live, next and previous of a few engine kinds


class Worker:
    """Answers one request after the other."""

    def __init__(self, *, admits_objects: bool) -> None:
        self._admits_objects = admits_objects
        self._models: dict[str, reading.Loaded] = {}

    def answer(self, head: Head, body: bytes) -> tuple[Head, bytes]:
        """Return the answer to one request; failures are answers too."""
        try:
            return self._dispatch(head, body)
        except SpotOptimizerError as error:
            return {"ok": False, "code": error.code, "error": error.message}, b""
        except MemoryError:
            return _refusal("it needs more memory than a model may have"), b""
        except RecursionError:
            return _refusal("it is nested too deeply"), b""
        except Exception as error:  # noqa: BLE001 - whatever a foreign file causes is an answer
            return _refusal(f"{type(error).__name__}: {error}"[:500]), b""

    def _dispatch(self, head: Head, body: bytes) -> tuple[Head, bytes]:
        if head["op"] == "verify":
            return self._verify(head, body)
        if head["op"] == "load":
            self._load(head, body)
            return {"ok": True}, b""
        if head["op"] == "score":
            return {"ok": True, "values": self._score(head["model"], head["rows"])}, b""
        raise ScoringFailed(f"the scorer does not know {head['op']!r}")

    def _verify(self, head: Head, body: bytes) -> tuple[Head, bytes]:
        checked = reading.verify(
            head["format"], body, head["manifest"], admits_objects=self._admits_objects
        )
        facts = {
            "ok": True,
            "format": checked.scored_format,
            "manifest": checked.manifest,
            "notes": checked.notes,
        }
        return facts, checked.converted

    def _load(self, head: Head, body: bytes) -> None:
        loaded = reading.load(
            head["format"], body, head["manifest"], admits_objects=self._admits_objects
        )
        loaded.prove()
        while len(self._models) >= MOST_MODELS:
            self._models.pop(next(iter(self._models)))
        self._models[head["model"]] = loaded

    def _score(self, model: str, rows: Any) -> list[float]:
        loaded = self._models.get(model)
        if loaded is None:
            raise UnknownModel
        return loaded.score(rows)


def _refusal(reason: str) -> Head:
    return {"ok": False, "code": ModelRefused.code, "error": f"The model is refused: {reason}"}


def main(arguments: list[str]) -> None:
    """Confine this process, report how, and answer until the pipe ends.

    Args:
        arguments: the empty folder, bytes of memory, seconds of CPU (0: no limit in all), the
            descriptor to speak through.
    """
    folder, memory, cpu = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    found = confinement.confine(folder, Limits(memory, cpu or None), reading.load_libraries)
    worker = Worker(admits_objects=confinement.admits_objects(found))
    stream = DescriptorStream(int(arguments[3]))
    frames.send(stream, {"ok": True, "layers": confinement.as_facts(found)})
    while True:
        try:
            request = frames.receive(stream)
        except Broken:
            return
        frames.send(stream, *worker.answer(*request))


if __name__ == "__main__":
    main(sys.argv[1:])
