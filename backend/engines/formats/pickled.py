"""Pickled scikit-learn estimators (.pkl, .joblib) through the exact list of names."""

import importlib
import warnings
from typing import Any, Final

import numpy as np

from backend.engines.errors import ModelRefused
from backend.engines.formats import unpickling
from backend.engines.formats.contract import LARGEST_WIDTH, Matrix, Read
from backend.engines.formats.sklearn_names import ALLOWED, ESTIMATORS, FORGOTTEN
from backend.engines.formats.squeezed import unpacked

ADVICE: Final = (
    "Only scikit-learn estimators are read from pickles; export the model as ONNX (skl2onnx)"
    " instead."
)
_CLASSES: Final = 2
_known: dict[tuple[str, str], Any] = {}


class Estimator:
    """A fitted estimator: the probability of the second class, or the predicted number."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator
        names = getattr(estimator, "feature_names_in_", None)
        self.features = tuple(str(name) for name in names) if names is not None else None
        width = getattr(estimator, "n_features_in_", None)
        self.width: int | None = int(width) if width is not None else None
        classes = getattr(estimator, "classes_", None)
        if classes is not None and len(classes) != _CLASSES:
            raise ModelRefused(f"The model is refused: it has {len(classes)} classes, not 2")
        self._gives_probability = classes is not None

    def predict(self, rows: Matrix) -> Matrix:
        """Return one number for each row."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rows without names: the order was checked already
            if self._gives_probability:
                return np.asarray(self._estimator.predict_proba(rows)[:, 1], dtype=np.float64)
            return np.asarray(self._estimator.predict(rows), dtype=np.float64)


class Forgotten:
    """Stands where a pickle makes something that a fitted model no longer needs."""

    def __init__(self, *_arguments: Any) -> None:
        """Take whatever it is made of."""

    def __setstate__(self, _state: Any) -> None:
        """Drop whatever it knew."""


def load_names() -> None:
    """Import what is on the list; done before the process is confined."""
    _known.update(dict.fromkeys(FORGOTTEN, Forgotten))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # names that older files use
        for module, name in ALLOWED:
            try:
                _known[(module, name)] = getattr(importlib.import_module(module), name)
            except (ImportError, AttributeError):
                continue  # another version of the library has it elsewhere


def read(content: bytes) -> Read:
    """Read a pickled estimator.

    Raises:
        ModelRefused: it holds anything but listed names, or no fitted estimator.
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = unpickling.finish(unpickling.ListedUnpickler(unpacked(content), _known, ADVICE))
    notes += sorted({str(entry.message).split("\n")[0][:200] for entry in caught})
    kind = (type(estimator).__module__, type(estimator).__name__)
    if kind not in ESTIMATORS:
        raise ModelRefused(f"The model is refused: it is a {kind[1]}, no estimator. {ADVICE}")
    for part in _parts(estimator):
        _make_single(part)
        _check_tree(part)
    return Read(Estimator(estimator), notes=notes)


def _parts(estimator: Any) -> list[Any]:
    """Return the estimator and everything of ours inside it, each once."""
    found: dict[int, Any] = {}
    waiting = [estimator]
    while waiting:
        part = waiting.pop()
        if id(part) in found:
            continue
        if isinstance(part, list | tuple):
            found[id(part)] = part
            waiting += part
        elif isinstance(part, np.ndarray) and part.dtype.hasobject:
            found[id(part)] = part
            waiting += part.ravel().tolist()
        elif isinstance(part, dict):
            found[id(part)] = part
            waiting += part.values()
        elif (type(part).__module__, type(part).__name__) in ALLOWED:
            found[id(part)] = part
            waiting += getattr(part, "__dict__", {}).values()
    return list(found.values())


def _make_single(part: Any) -> None:
    """Threads cannot be started in the sandbox, and are not worth it for a few rows."""
    if "n_jobs" in getattr(part, "__dict__", {}):
        part.n_jobs = None


def _check_tree(part: Any) -> None:
    """Refuse a tree whose nodes lead outside: compiled code would follow them.

    Raises:
        ModelRefused: a child or feature does not exist.
    """
    if type(part).__name__ == "Tree":
        left, right, feature = part.children_left, part.children_right, part.feature
        inner = left != -1
    elif type(part).__name__ == "TreePredictor":
        nodes = part.nodes
        left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
        feature, inner = nodes["feature_idx"], nodes["is_leaf"] == 0
        if nodes["is_categorical"].any():
            raise ModelRefused("The model is refused: categorical splits are not supported")
    else:
        return
    count, own = len(left), np.arange(len(left))
    is_sound = (
        ((left[inner] > own[inner]) & (left[inner] < count)).all()
        and ((right[inner] > own[inner]) & (right[inner] < count)).all()
        and (feature[inner] >= 0).all()
    )
    _check_widths(part, feature[inner])
    if not is_sound:
        raise ModelRefused("The model is refused: a node of a tree leads nowhere")


def _check_widths(part: Any, features: Any) -> None:
    width = getattr(part, "n_features", LARGEST_WIDTH)
    if (features >= width).any():
        raise ModelRefused("The model is refused: a tree asks for a feature that does not exist")
