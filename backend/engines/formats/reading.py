"""Read any accepted file, check it against its manifest, and prove that it scores."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from backend.engines.errors import BadFeatures, ModelRefused, ScoringFailed
from backend.engines.formats import keras_h5, onnx_model, own_json, pickled, torch_zip
from backend.engines.formats.contract import Matrix, Model, Read
from backend.engines.formats.kinds import HORIZON_MINUTES, MOST_HORIZON_MINUTES, PLAIN_FORMATS

CONVERTED: Final = "json"
CLOSE_ENOUGH: Final = 1e-4  # single precision over a few layers; probabilities are shown to 1e-3
MOST_ROWS: Final = 20_000
_MOST_GOLDEN: Final = 200
_PROBES: Final = 5
_NEED_GOLDEN: Final = frozenset({"h5", "torch"})  # conversions are proved by values from outside


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model with its manifest: features in order, range of answers, golden rows."""

    model: Model
    manifest: dict[str, Any]

    def score(self, rows: Any) -> list[float]:
        """Return one finite number for each row, within the manifest's range.

        Raises:
            BadFeatures: a row is too short or long, or holds what is no finite number.
            ScoringFailed: an answer is missing, not finite or out of range.
        """
        matrix = _matrix(rows, len(self.manifest["features"]))
        values = np.asarray(self.model.predict(matrix), dtype=np.float64)
        if values.shape != (len(matrix),):
            raise ScoringFailed(
                f"The model answered the shape {values.shape} to {len(matrix)} rows"
            )
        if not np.isfinite(values).all():
            raise ScoringFailed("The model answered NaN or infinity")
        low, high = self.manifest["output_range"]
        if (values < low).any() or (values > high).any():
            worst = values[np.argmax(np.maximum(low - values, values - high))]
            raise ScoringFailed(f"The model answered {worst:g}, outside {low:g} to {high:g}")
        return [float(value) for value in values]

    def prove(self) -> None:
        """Score the golden rows again.

        Raises:
            ModelRefused: a value differs from the manifest's.
        """
        golden = self.manifest["golden"]
        try:
            found = self.score(golden["rows"])
        except (BadFeatures, ScoringFailed) as error:
            raise ModelRefused(f"The model is refused: {error.message}") from error
        difference = float(np.abs(np.asarray(found) - np.asarray(golden["outputs"])).max())
        if difference > CLOSE_ENOUGH:
            raise ModelRefused(
                f"The model is refused: its golden rows score {difference:g} away from the values"
                " in the manifest; are the features in the right order?"
            )


@dataclass(frozen=True, slots=True)
class Checked:
    """What verification found: the format and bytes to score, the completed manifest."""

    scored_format: str
    converted: bytes
    manifest: dict[str, Any]
    notes: list[str]


def load_libraries() -> None:
    """Import and try everything that will be needed once no file can be read."""
    pickled.load_names()
    np.asarray([[1.0]]) @ np.asarray([[1.0]])
    str("ready".encode("ascii"), "latin-1")


def verify(
    file_format: str, content: bytes, manifest: dict[str, Any], *, admits_objects: bool
) -> Checked:
    """Read a model, compare it with its manifest, score its golden rows.

    Raises:
        ModelRefused: with the reason, for people.
    """
    found = _read(file_format, content, manifest, admits_objects=admits_objects)
    features = _agreed_features(found.model, manifest)
    complete = {**manifest, "features": list(features)}
    complete["output_range"] = _range(manifest)
    complete["horizon_minutes"] = _horizon_minutes(manifest)
    if not manifest.get("golden"):
        if file_format in _NEED_GOLDEN:
            raise ModelRefused(
                "The model is refused: the manifest must hold golden rows with their outputs, so"
                " that the conversion can be proved"
            )
        complete["golden"] = {"rows": _probes(len(features)), "outputs": []}
    loaded = Loaded(found.model, complete)
    golden = complete["golden"]
    rows = golden.get("rows") if isinstance(golden, dict) else None
    if not isinstance(rows, list) or not 1 <= len(rows) <= _MOST_GOLDEN:
        raise ModelRefused(f"The model is refused: golden.rows must list 1 to {_MOST_GOLDEN} rows")
    values = _scored(loaded, rows)
    if _scored(loaded, rows) != values:
        raise ModelRefused("The model is refused: it answers the same rows differently")
    if manifest.get("golden"):
        if len(golden.get("outputs") or []) != len(rows):
            raise ModelRefused("The model is refused: golden.outputs must have a value a row")
        loaded.prove()
    complete["golden"] = {"rows": rows, "outputs": values}
    converted = orjson.dumps(found.converted) if found.converted else b""
    return Checked(CONVERTED if converted else file_format, converted, complete, found.notes)


def load(
    file_format: str, content: bytes, manifest: dict[str, Any], *, admits_objects: bool
) -> Loaded:
    """Read a verified model for scoring; the manifest is the completed one.

    Raises:
        ModelRefused: it can no longer be read.
    """
    found = _read(file_format, content, manifest, admits_objects=admits_objects)
    _agreed_features(found.model, manifest)
    return Loaded(found.model, manifest)


def _read(
    file_format: str, content: bytes, manifest: dict[str, Any], *, admits_objects: bool
) -> Read:
    if file_format not in PLAIN_FORMATS and not admits_objects:
        raise ModelRefused(
            "The model is refused: on this machine the sandbox lacks seccomp or namespaces, so"
            " only .onnx and .json models are accepted. Export the model as ONNX"
        )
    listed = manifest.get("features")
    features = own_json.feature_names(listed) if listed is not None else None
    if file_format == "json":
        return own_json.read(content)
    if file_format == "onnx":
        return onnx_model.read(content)
    if file_format == "pickle":
        return pickled.read(content)
    if file_format == "h5":
        return keras_h5.read(content, features)
    if file_format == "torch":
        return torch_zip.read(content, features, manifest.get("architecture"))
    raise ModelRefused(f"The model is refused: there is no reader for {file_format!r}")


def _agreed_features(model: Model, manifest: dict[str, Any]) -> tuple[str, ...]:
    """Return the features in order, on which file and manifest must agree."""
    listed = manifest.get("features")
    wanted = own_json.feature_names(listed) if listed is not None else model.features
    if wanted is None:
        raise ModelRefused(
            "The model is refused: neither the file nor the manifest names its features in order;"
            ' upload a manifest.json with {"features": [...]} beside it'
        )
    if model.features is not None and model.features != wanted:
        pairs = zip(model.features, wanted, strict=False)
        place = next(
            (n for n, (ours, theirs) in enumerate(pairs) if ours != theirs),
            min(len(wanted), len(model.features)),
        )
        raise ModelRefused(
            f"The model is refused: its features differ from the manifest's at place {place + 1}:"
            f" {model.features[place : place + 1]} against {wanted[place : place + 1]}"
        )
    if model.width is not None and model.width != len(wanted):
        raise ModelRefused(
            f"The model is refused: it takes {model.width} features, the manifest names"
            f" {len(wanted)}"
        )
    return wanted


def _horizon_minutes(manifest: dict[str, Any]) -> int:
    """Return the time ahead that a hazard model's chances speak of.

    Raises:
        ModelRefused: ``horizon_minutes`` is no whole number from 1 to 1440.
    """
    given = manifest.get("horizon_minutes", HORIZON_MINUTES)
    if type(given) is not int or not 1 <= given <= MOST_HORIZON_MINUTES:
        raise ModelRefused(
            "The model is refused: horizon_minutes must be a whole number from 1 to"
            f" {MOST_HORIZON_MINUTES}"
        )
    return given


def _range(manifest: dict[str, Any]) -> list[float]:
    given = manifest.get("output_range", [0.0, 1.0])
    try:
        low, high = (float(value) for value in given)
    except (TypeError, ValueError):
        low, high = 1.0, 0.0
    if not low < high:
        raise ModelRefused("The model is refused: output_range must be [lowest, highest]")
    return [low, high]


def _scored(loaded: Loaded, rows: list[Any]) -> list[float]:
    try:
        return loaded.score(rows)
    except (BadFeatures, ScoringFailed) as error:
        raise ModelRefused(f"The model is refused: {error.message}") from error


def _probes(width: int) -> list[list[float]]:
    """Return rows to score where the uploader gave none: zeros, ones, and some in between."""
    spread = np.linspace(-1.0, 2.0, _PROBES)
    return [[float(value)] * width for value in (0.0, 1.0, *spread)]


def _matrix(rows: Any, width: int) -> Matrix:
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_ROWS:
        raise BadFeatures(f"There must be 1 to {MOST_ROWS} rows")
    try:
        matrix = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadFeatures("A row holds what is no number, or rows differ in length") from None
    if matrix.shape != (len(rows), width):
        raise BadFeatures(f"A row must have {width} features")
    if not np.isfinite(matrix).all():
        raise BadFeatures("A feature is NaN or infinite")
    return matrix
