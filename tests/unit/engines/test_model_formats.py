"""Good files of every format score what their makers' own libraries score."""

import io
import pickle
import warnings

import joblib
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from backend.engines.formats import reading
from tests.fakes import models as files

ROWS = [[0.1, 0.5, 0.2], [0.9, 0.1, 0.7]]


@pytest.fixture(autouse=True, scope="module")
def _names():
    reading.load_libraries()


def scored(file_format: str, content: bytes, expected=None, **manifest) -> list[float]:
    golden = {"golden": {"rows": ROWS, "outputs": expected}} if expected else {}
    checked = reading.verify(
        file_format,
        content,
        {"features": files.FEATURES, **golden, **manifest},
        admits_objects=True,
    )
    loaded = reading.load(
        checked.scored_format, checked.converted or content, checked.manifest, admits_objects=False
    ) if checked.scored_format in ("json", "onnx") else reading.load(
        checked.scored_format, content, checked.manifest, admits_objects=True
    )  # fmt: skip
    loaded.prove()
    return loaded.score(ROWS)


def _sigmoid(value):
    return 1 / (1 + np.exp(-value))


def test_own_logistic_scores():
    expected = [_sigmoid(np.dot(row, [0.5, -1, 2]) + 0.1) for row in ROWS]

    assert scored("json", files.own_json()) == pytest.approx(expected)


def test_own_trees_score():
    tree = {
        "feature": [2, 0, 0], "threshold": [0.5, 0, 0], "left": [1, -1, -1], "right": [2, -1, -1],
        "value": [0, 0.2, 0.6],
    }  # fmt: skip
    content = files.own_json(type="trees", trees=[tree, tree], aggregate="mean")

    assert scored("json", content) == pytest.approx([0.2, 0.6])


def test_calibration_is_applied():
    content = files.own_json(calibration={"x": [0, 1], "y": [0.25, 0.25]})

    assert scored("json", content) == [0.25, 0.25]


def test_onnx_scores():
    expected = [_sigmoid(np.dot(row, [0.5, -1, 2])) for row in ROWS]

    assert scored("onnx", files.onnx_logistic()) == pytest.approx(expected, abs=1e-6)


def test_keras_file_is_converted_and_proved():
    expected = files.keras_expected(ROWS)

    assert scored("h5", files.keras_file(), expected) == pytest.approx(expected)


def test_torch_state_is_converted_and_proved():
    expected = [_sigmoid(np.dot(row, [0.5, -1, 2]) + 0.25) for row in ROWS]

    found = scored("torch", files.torch_file(), expected, architecture=files.ARCHITECTURE)

    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(5, n_jobs=4, random_state=0),
        GradientBoostingClassifier(n_estimators=5),
        HistGradientBoostingClassifier(max_iter=5),
        MLPClassifier((4,), max_iter=20),
        CalibratedClassifierCV(LogisticRegression(), method="isotonic"),
    ],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.parametrize("how", ["pkl", "joblib", "compressed"])
def test_scikit_learn_estimators_score_the_same(estimator, how):
    random = np.random.default_rng(0)
    rows = random.random((100, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(rows, (rows[:, 0] + rows[:, 1] > 1).astype(int))
    out = io.BytesIO()
    if how == "pkl":
        out.write(pickle.dumps(estimator))
    else:
        joblib.dump(estimator, out, compress=3 if how == "compressed" else 0)
    expected = estimator.predict_proba(ROWS)[:, 1].tolist()

    assert scored("pickle", out.getvalue(), expected) == pytest.approx(expected)
