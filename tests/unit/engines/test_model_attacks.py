"""Evil and broken files: each is refused with a sentence that names what is wrong, and nothing runs."""

import io
import pickle
import zlib

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from backend.engines.errors import ModelRefused
from backend.engines.formats import reading
from backend.engines.formats.kinds import format_of
from tests.fakes import models as files

MANIFEST = {"features": files.FEATURES}


@pytest.fixture(autouse=True, scope="module")
def _names():
    reading.load_libraries()


def refused(file_format: str, content: bytes, manifest=None) -> str:
    with pytest.raises(ModelRefused) as error:
        reading.verify(file_format, content, manifest or MANIFEST, admits_objects=True)
    return error.value.message


def _joblib(value, compress=0) -> bytes:
    out = io.BytesIO()
    joblib.dump(value, out, compress=compress)
    return out.getvalue()


@pytest.mark.parametrize(
    "pack", [pickle.dumps, _joblib, lambda v: _joblib(v, 3), lambda v: _joblib(v, ("bz2", 3))]
)
def test_command_in_a_pickle_is_refused_by_name_and_not_run(pack, tmp_path):
    witness = tmp_path / "witness"

    message = refused("pickle", pack(files.command(f"touch {witness}")))

    assert "posix.system" in message
    assert not witness.exists()


def test_command_hidden_in_an_array_of_objects_is_refused(tmp_path):
    witness = tmp_path / "witness"
    hidden = np.array([files.command(f"touch {witness}")], dtype=object)

    assert "posix.system" in refused("pickle", _joblib(hidden))
    assert not witness.exists()


def test_memmap_that_would_write_a_file_is_refused(tmp_path):
    target = tmp_path / "written"

    message = refused("pickle", pickle.dumps(files.Evil(np.memmap, str(target), "u1", "w+", 0, 9)))

    assert "numpy.memmap" in message or "numpy._core.memmap" in message
    assert not target.exists()


@pytest.mark.parametrize("function", [eval, exec, getattr, open, __import__])
def test_builtin_functions_are_refused(function):
    assert "not on the list" in refused("pickle", pickle.dumps(files.Evil(function, "1", "2")))


def test_joblib_bomb_is_refused_before_it_is_unpacked():
    bomb = zlib.compress(b"\x80\x04" + bytes(300 * 1024 * 1024), 9)

    assert "unpacks to more than 256 MB" in refused("pickle", bomb)


def test_pickled_array_that_claims_terabytes_is_refused():
    content = _joblib(np.zeros(10)).replace(b"K\n\x85", b"J\xff\xff\xff\x7f\x85")

    assert "too large" in refused("pickle", content)


def test_value_that_is_no_estimator_is_refused():
    assert "no estimator" in refused("pickle", pickle.dumps({"a": 1}))


def test_lambda_layer_is_refused_by_name():
    layers = [{"class_name": "Lambda", "config": {"name": "l", "function": "os.system"}}]

    assert "'Lambda' is not supported" in refused("h5", files.keras_file(layers))


def test_links_out_of_an_hdf5_file_are_refused():
    assert "is a link" in refused("h5", files.keras_file(links=True))


def test_broken_hdf5_is_refused():
    assert "no whole Keras model" in refused("h5", files.keras_file()[:700])


def test_whole_pickled_torch_module_is_refused_with_advice():
    message = refused("torch", files.torch_file(state=files.command("true")))

    assert "posix.system" in message
    assert "state_dict" in message


def test_zip_bomb_is_refused():
    content = files.torch_file(extra={"data/9": bytes(300 * 1024 * 1024)})

    assert len(content) < 1_000_000
    assert "unpacks to too much" in refused("torch", content)


def test_torchscript_is_refused_clearly():
    message = refused("torch", files.torch_file(extra={"constants.pkl": b"", "code/x.py": b""}))

    assert "TorchScript" in message


def test_external_data_of_onnx_is_refused():
    assert "another file" in refused("onnx", files.onnx_external())


@pytest.mark.parametrize("operator", ["Loop", "Scan"])
def test_operators_that_may_never_end_are_refused(operator):
    assert "may never end" in refused("onnx", files.onnx_operator(operator))


def test_foreign_operators_are_refused():
    assert "not part of standard ONNX" in refused("onnx", files.onnx_operator("Evil", "com.evil"))


def test_huge_onnx_is_refused():
    nodes = [files.helper.make_node("Identity", ["x"], ["p"]) for _ in range(20_001)]

    assert "more than 20000 nodes" in refused("onnx", files.onnx_model(nodes))


def test_nan_output_is_refused():
    assert "NaN" in refused("onnx", files.onnx_nan())


def test_output_out_of_range_is_refused():
    content = files.own_json(type="linear")

    assert "outside 0 to 1" in refused("json", content)


def test_wrong_feature_order_is_refused_with_the_first_difference():
    message = refused("json", files.own_json(), {"features": ["losses", "age", "ratio"]})

    assert "at place 1" in message


def test_golden_values_that_differ_are_refused():
    golden = {"rows": [[1, 2, 3]], "outputs": [0.1]}

    assert "right order" in refused("json", files.own_json(), {**MANIFEST, "golden": golden})


def test_trees_in_circles_are_refused():
    tree = {"feature": [0], "threshold": [0], "left": [0], "right": [0], "value": [0]}
    content = files.own_json(type="trees", trees=[tree])

    assert "child before its parent" in refused("json", content)


@pytest.mark.parametrize("name", ["a.pb", "a.py", "a.bin", "a"])
def test_other_extensions_are_refused_with_advice(name):
    with pytest.raises(ModelRefused, match="Export the model as ONNX"):
        format_of(name, b"x")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.onnx", pickle.dumps(1)),
        ("a.h5", b"PK\x03\x04"),
        ("a.pth", b"\x80\x02"),
        ("a.json", b"PK"),
    ],
)
def test_content_that_is_not_what_the_name_says_is_refused(name, content):
    with pytest.raises(ModelRefused, match="not what its name says"):
        format_of(name, content)


def test_objects_are_refused_without_the_sandbox_layers():
    model = LogisticRegression().fit([[0, 1, 2], [1, 0, 3]], [0, 1])

    with pytest.raises(ModelRefused, match=r"only \.onnx and \.json"):
        reading.verify("pickle", pickle.dumps(model), MANIFEST, admits_objects=False)
