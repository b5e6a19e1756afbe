"""ONNX through onnxruntime on the CPU, one thread, standard operators only."""

from typing import Any, Final

import numpy as np
import onnxruntime
import orjson

from backend.engines.errors import ModelRefused
from backend.engines.formats.contract import Matrix, Read
from backend.engines.formats.onnx_wire import survey
from backend.engines.formats.own_json import feature_names

_DTYPES: Final = {"tensor(float)": np.float32, "tensor(double)": np.float64}
_MATRIX_AXES: Final = 2


class OnnxModel:
    """A session of onnxruntime with one input; of two output columns the second counts."""

    def __init__(self, session: Any, features: tuple[str, ...] | None) -> None:
        self._session = session
        self.features = features
        entry = _only_input(session)
        self._input = entry.name
        self._dtype = _DTYPES[entry.type]
        columns = entry.shape[1]
        self.width: int | None = columns if isinstance(columns, int) else None
        self._output = _output_name(session)

    def predict(self, rows: Matrix) -> Matrix:
        """Return one number for each row."""
        values = np.asarray(
            self._session.run([self._output], {self._input: rows.astype(self._dtype)})[0],
            dtype=np.float64,
        )
        if values.ndim == _MATRIX_AXES and values.shape[1] in (1, 2):
            return values[:, -1]
        return values


def read(content: bytes) -> Read:
    """Read an ONNX file; feature names may stand in its metadata as ``features`` (a JSON list).

    Raises:
        ModelRefused: with the reason.
    """
    found = survey(content)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False  # memory goes back: the limit is per process
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    listed = found.metadata.get("features")
    features = feature_names(orjson.loads(listed)) if listed else None
    return Read(OnnxModel(session, features))


def _only_input(session: Any) -> Any:
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in _DTYPES or len(inputs[0].shape) != _MATRIX_AXES:
        raise ModelRefused(
            "The model is refused: it must have one input, a matrix of float or double with a row"
            " for each case and a column for each feature"
        )
    return inputs[0]


def _output_name(session: Any) -> str:
    """Return the float output; of several, the one that is named for probabilities."""
    outputs = [entry for entry in session.get_outputs() if entry.type in _DTYPES]
    named = [entry for entry in outputs if "prob" in entry.name.lower()]
    if not outputs:
        raise ModelRefused(
            "The model is refused: it has no output of float or double; a scikit-learn classifier"
            " must be converted with zipmap off"
        )
    return str((named or outputs)[0].name)
