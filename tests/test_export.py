"""Models written out: as ONNX files, and as Python files that need NumPy alone."""

from __future__ import annotations

import ast
import inspect
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases_recurrent import Own as OwnCells
from export_models import all_models, difference, example, model_of, special_models
from hypothesis import given
from hypothesis import strategies as st
from onnx_reader import check_names, operators, read_model, signed, varint

import minikeras as keras
from minikeras import layers as k
from minikeras.export import ExportError, onnx, source, to_numpy_source, to_onnx
from minikeras.export.onnx import protobuf
from minikeras.export.plain import activations, core, normalization, recurrent, windows
from minikeras.export.source.layout import WIDTH, wrapped

GOLDEN = json.loads((Path(__file__).parent / "golden" / "onnx.json").read_text())
ROWS = [(kind, name, make) for kind, name, make in all_models() if name not in GOLDEN["refused"]]
each_model = pytest.mark.parametrize(("kind", "name", "make"), ROWS, ids=[name for _, name, _ in ROWS])


MODULES = (activations, core, normalization, recurrent, windows)
FUNCTIONS = {name: f for module in MODULES for name, f in inspect.getmembers(module, inspect.isfunction)}


def onnx_of(model) -> dict:
    file = io.BytesIO()
    to_onnx(model, file)
    return read_model(file.getvalue())


def run(text: str, copies: bool = True) -> dict:
    """What a source file defines, after a look at what it imports.

    Without copies, the functions that the file has copies of are called themselves.
    """
    tree = ast.parse(text)
    imported = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"numpy", "base64", "typing", "collections.abc", "__future__"}
    found: dict = {"__name__": "exported"}
    exec(compile(text, "exported.py", "exec"), found)
    if not copies:
        found.update({name: function for name, function in FUNCTIONS.items() if name in found})
    return found


# The NumPy source


@each_model
def test_the_source_predicts_the_same(kind, name, make):
    model, x = make()
    expected = model.predict(x, verbose=0)
    text = to_numpy_source(model)
    found = run(text)
    assert difference(found["predict"](x), expected) <= 2e-6
    in_place = run(text, copies=False)["predict"](x, batch_size=2)
    assert difference(in_place, expected) <= 2e-6
    readable = text[: text.index("\nW = {")].splitlines()
    assert max(map(len, readable)) <= 120


@pytest.mark.parametrize(
    "case", [make.args[0] for kind, _, make in ROWS if make.func is model_of], ids=lambda c: c.id
)
def test_the_source_is_exact_in_double_precision(case):
    model, x = model_of(case, "float64")
    expected = model.predict(x, verbose=0)
    assert expected.dtype == "float64"
    y = run(to_numpy_source(model), copies=False)["predict"](x)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)


def test_the_file_runs_alone(tmp_path):
    model, x = example("mnist_cnn")
    text = to_numpy_source(model, tmp_path / "network.py")
    assert (tmp_path / "network.py").read_text() == text
    np.save(tmp_path / "x.npy", x)
    lines = (
        "import sys, numpy as np; sys.path.insert(0, '.'); import network; "
        "np.save('y.npy', network.predict(np.load('x.npy'))); assert 'minikeras' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-I", "-c", lines], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model.predict(x, verbose=0), atol=1e-6)


def test_the_file_can_be_read():
    model, _ = example("mnist_cnn")
    text = to_numpy_source(model)
    assert text.splitlines()[0].startswith('"""The network sequential')
    assert "    conv2d           Conv2D        (batch, 26, 26, 32)         320\n" in text
    assert '    # conv2d (Conv2D): (batch, 26, 26, 32)\n    x = relu(conv(x, **W["conv2d"]))\n' in text
    assert "    # dropout (Dropout): nothing to do\n" in text
    functions = {n.name for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)}
    wanted = {"conv", "windows", "relu", "max_pooling", "dense", "softmax"}
    assert functions == wanted | {"predict", "forward", "array"}  # those that are needed, and no other


def test_masks_that_nobody_uses_are_not_made():
    models = special_models()
    assert "mask = " not in to_numpy_source(models["a mask that nobody uses"][0])
    assert "    mask = x != 0\n" in to_numpy_source(models["a mask through layers"][0])


def test_the_source_takes_no_samples_and_refuses_numbers_of_no_row():
    model = keras.Sequential([k.Embedding(5, 3), k.GlobalMaxPooling1D(), k.Dense(2)])
    model.build((None, 4))
    predict = run(to_numpy_source(model), copies=False)["predict"]
    assert predict(np.zeros((0, 4))).shape == (0, 2)
    for wrong in (5, -1):
        with pytest.raises(IndexError, match="from 0 to 4 are expected"):
            predict(np.full((1, 4), wrong))
    model = keras.Sequential([keras.Input((2,)), k.CategoryEncoding(4)])
    with pytest.raises(ValueError, match="from 0 to 3 are expected"):
        run(to_numpy_source(model), copies=False)["predict"](np.full((1, 2), 4))


def test_names_of_a_models_own_functions_are_free():
    for name in FUNCTIONS:
        assert not name.startswith(("each_", "step_"))


LINES = [
    'x = relu(conv(x, **W["a, layer (with) signs"], strides=(2, 2), padding="same", dilation_rate=(1, 1)))',
    'x = over_time(lambda x, states: lstm_step(x, *states, **W["lstm"], activation=relu), x, [(32,), (32,)])',
    'x = both(at(lambda a, b: f(a), x, **W["one"]), at(lambda a, b: g(a), x[:, ::-1], **W["b\\" c"]), mode="mul")',
    'x = (x - W["normalization with a long name"]["mean"]) / W["normalization with a long name"]["deviation"]',
    "x = f(a_name_that_is_so_long_that_no_line_can_hold_it_together_with_another_name_as_long_as_this_one_is)",
]


@pytest.mark.parametrize("line", LINES)
def test_long_lines_are_broken_without_a_change(line):
    text = wrapped(line, 4)
    assert ast.dump(ast.parse(text.strip())) == ast.dump(ast.parse(line))
    assert all(part.startswith("    ") for part in text.splitlines())
    assert wrapped("x = f(x)", 4) == "    x = f(x)"
    if line in LINES[:3]:
        assert max(map(len, text.splitlines())) <= WIDTH


SWEEPS = st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from(["valid", "same"]))


@given(
    st.integers(5, 9),
    SWEEPS,
    st.sampled_from(["Conv1D", "Conv1DTranspose", "DepthwiseConv1D", "MaxPooling1D"]),
)
def test_windows_of_all_sizes(n, window, name):
    size, step, padding = window
    layer = getattr(k, name)
    given_ = (size,) if name[0] in "DM" else (2, size)
    model = keras.Sequential([keras.Input((n, 3)), layer(*given_, strides=step, padding=padding)])
    x = np.random.default_rng(n).normal(size=(2, n, 3)).astype("float32")
    y = run(to_numpy_source(model), copies=False)["predict"](x)
    np.testing.assert_allclose(y, model.predict(x, verbose=0), atol=1e-5)


def test_numbers_that_are_not_finite():
    model = keras.Sequential([keras.Input((4, 2)), k.Masking(np.inf), k.ReLU(np.inf), k.LSTM(2)])
    x = np.random.default_rng(0).normal(size=(2, 4, 2)).astype("float32")
    text = to_numpy_source(model)
    assert 'mask = (x != float("inf")).any(axis=-1)' in text
    np.testing.assert_allclose(run(text)["predict"](x), model.predict(x, verbose=0), atol=1e-6)


# The ONNX file


@each_model
def test_the_onnx_file_is_the_one_that_onnxruntime_agreed_with(kind, name, make):
    model, x = make()
    recorded = GOLDEN[kind].get(name)
    assert recorded is not None, "record the new row: tests/golden/record_onnx.py"
    assert recorded["onnx"] <= 2e-6 and recorded["source"] <= 2e-6
    found = onnx_of(model)
    assert operators(found["graph"]) == recorded["operators"]
    check_names(found["graph"])
    (name, _, sizes), *others = found["graph"]["inputs"]
    assert (name, others, sizes[0], len(sizes)) == ("x", [], "batch", x.ndim)
    outputs = [name for name, _, _ in found["graph"]["outputs"]]
    assert found["metadata"]["outputs"] == ", ".join(outputs)
    expected = model.predict(x[:1], verbose=0)
    assert len(outputs) == (len(expected) if isinstance(expected, list) else 1)
    assert outputs[0] == ("y_0" if isinstance(expected, list) else "y")


def test_what_stands_around_the_graph():
    model = keras.Sequential([keras.Input((4,)), k.Dense(3, name="first")], name="small")
    found = onnx_of(model)
    assert found["ir"] == 8 and found["opset"] == ("", 17) and found["producer"] == "minikeras"
    expected = {"model": "small", "opset": "17", "inputs": "x", "outputs": "y"}
    assert found["metadata"] == expected
    graph = found["graph"]
    assert graph["name"] == "small"
    assert graph["inputs"] == [("x", "float32", ["batch", 4])]
    assert graph["outputs"] == [("y", "float32", ["batch", 3])]
    np.testing.assert_array_equal(graph["constants"]["first/kernel"], model.layers[0].kernel.value)
    dense = ("Gemm", ["x", "first/kernel", "first/bias"], ["first/Gemm"], {})
    assert graph["nodes"] == [dense, ("Identity", ["first/Gemm"], ["y"], {})]


def test_transpositions_stand_at_the_ends_only():
    found = onnx_of(special_models()["a chain of convolutions"][0])["graph"]
    assert [op for op, *_ in found["nodes"]].count("Transpose") == 2
    (first, last) = (attributes["perm"] for op, _, _, attributes in found["nodes"] if op == "Transpose")
    assert first == [0, 3, 1, 2] and last == [0, 2, 3, 1]


def test_attributes_and_gates_are_in_the_order_of_onnx():
    model = keras.Sequential([keras.Input((4, 2)), k.LSTM(1)])
    lstm = model.layers[0].cell
    lstm.kernel.assign([[1, 2, 3, 4], [5, 6, 7, 8]])
    lstm.bias.assign([1, 2, 3, 4])
    graph = onnx_of(model)["graph"]
    (attributes,) = (attributes for op, _, _, attributes in graph["nodes"] if op == "LSTM")
    assert attributes == {"hidden_size": 1, "activations": ["Sigmoid", "Tanh", "Tanh"]}
    np.testing.assert_array_equal(graph["constants"]["lstm/kernel"], [[[1, 5], [4, 8], [2, 6], [3, 7]]])
    np.testing.assert_array_equal(graph["constants"]["lstm/bias"], [[1, 4, 2, 3, 0, 0, 0, 0]])


@given(st.integers(-(2**63), 2**64 - 1))
def test_numbers_of_protocol_buffers(number):
    data = protobuf.varint(number)
    value, end = varint(data, 0)
    assert end == len(data) <= 10
    assert number in (value, signed(value))


@pytest.mark.parametrize("export", [to_onnx, to_numpy_source])
def test_the_same_model_gives_the_same_file(export, tmp_path):
    model, _ = special_models()["a mask through layers"]
    for name in "ab":
        export(model, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# What cannot go, and what goes wrong

STAY = {"Hashing", "IntegerLookup", "Lambda", "StringLookup", "TextVectorization"}


@pytest.mark.parametrize("rules", [onnx.RULES, source.RULES])
def test_every_layer_has_a_rule_or_stays(rules):
    own = {cls for cls in k.base.table.classes.values() if cls.__module__.startswith("minikeras.layers.")}
    layers = {cls.__name__ for cls in own if not issubclass(cls, k.Cell)}
    assert {cls.__name__ for cls in rules} == layers - STAY


def test_every_activation_has_a_rule():
    functions = {cls for cls in keras.activations.table.classes.values() if "minikeras" in cls.__module__}
    assert set(source.activations.FUNCTIONS) == functions - {keras.activations.Linear}
    from_rows = {keras.activations.Sparsemax, *onnx.activations.ROWS}
    assert set(onnx.activations.POINTS) == functions - from_rows


class Own(k.Layer):
    """A layer of a user's own."""

    def forward(self, x, ctx):
        return x


class OwnModel(keras.Sequential):
    """A model with a pass of its own."""

    def forward(self, x, ctx):
        return super().forward(x, ctx)


@keras.saving.register_keras_serializable("tests")
def own_activation(x):
    """A function of a user's own."""
    return x


def own_cell():
    return OwnCells.cell(k)


LAMBDA = "its function is Python code of your own"
OWN = "it is a class of your own; build it from the layers of minikeras"
SIZES = "the sizes of its input must be known; declare them in Input"
REFUSED = {
    # what is said, of a layer, and the shape of a sample
    "a function": (LAMBDA, lambda: k.Lambda(own_activation), (4,)),
    "a layer": (OWN, Own, (4,)),
    "a model": (OWN, lambda: OwnModel([k.Dense(2)]), (4,)),
    "an activation": (
        "its activation 'own_activation' is",
        lambda: k.Dense(2, activation=own_activation),
        (4,),
    ),
    "a cell": ("its cell is a class of your own", lambda: k.RNN(own_cell()), (4, 2)),
    "states": ("stateful=True", lambda: k.GRU(2, stateful=True), (4, 2)),
    "sizes": (SIZES, lambda: k.Resizing(3, 3), (None, 5, 1)),
    "a single image": ("it is given single images", lambda: k.Resizing(3, 3), (5, 1)),
    "bins": ("it has no boundaries yet; call adapt", lambda: k.Discretization(num_bins=3), (4,)),
    "numbers": ("there is no", lambda: k.IntegerLookup(vocabulary=[1, 2]), (4,)),
    "one number": ("its input has no axis but the batch", lambda: k.CategoryEncoding(3), ()),
}


@pytest.mark.parametrize("export", [to_onnx, to_numpy_source])
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_go(what, export, tmp_path):
    said, make, shape = REFUSED[what]
    model = keras.Sequential([keras.Input(batch_shape=(2, *shape)), make()])
    (tmp_path / "old").write_text("old")
    with pytest.raises(ExportError) as error:
        export(model, tmp_path / "old")
    assert said in str(error.value)
    assert f"{model.layers[0].name} ({type(model.layers[0]).__name__}): " in str(error.value)
    assert (tmp_path / "old").read_text() == "old"


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (k.Activation(keras.activations.Celu(-1.0)), "ONNX has no celu with alpha=-1.0"),
        (k.Activation(keras.activations.Sparsemax(1)), "sparsemax is offered along a last axis"),
        (k.AdaptiveMaxPooling1D(2), SIZES),
    ],
)
def test_what_onnx_alone_cannot(layer, said):
    shape = (None, 3) if isinstance(layer, k.AdaptiveMaxPooling1D) else (4, 3)
    model = keras.Sequential([keras.Input(shape), layer])
    with pytest.raises(ExportError) as error:
        onnx_of(model)
    assert said in str(error.value)
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    y = run(to_numpy_source(model))["predict"](x)
    np.testing.assert_allclose(y, model.predict(x, verbose=0), atol=1e-6)


def test_what_the_source_alone_cannot():
    layer = k.ConvLSTM2D(3, 2, return_state=True, data_format="channels_first")
    model = keras.Sequential([keras.Input((3, 2, 5, 4)), layer])
    assert len(onnx_of(model)["graph"]["outputs"]) == 3
    with pytest.raises(ExportError, match="return_state with channels_first"):
        to_numpy_source(model)


def test_all_that_cannot_go_is_told_at_once(tmp_path):
    text = k.TextVectorization(vocabulary=["a"], output_sequence_length=3)
    inner = keras.Sequential([k.Dense(2), Own(name="odd")], name="inner")
    model = keras.Sequential(
        [keras.Input((), dtype="string"), text, k.Embedding(4, 2), Own(name="own"), k.Flatten(), inner, Own(name="o")],
        name="mixed",
    )  # fmt: skip
    with pytest.raises(ExportError) as error:
        to_onnx(model, tmp_path / "model.onnx")
    assert str(error.value).splitlines() == [
        "Model 'mixed' cannot become ONNX. Nothing was written. What cannot go:",
        f"  {text.name} (TextVectorization): it takes strings; call it before the model, and export the rest",
        "  own, inner/odd, o (Own): it is a class of your own; build it from the layers of minikeras, or call it "
        "outside of the model",
    ]
    assert [refusal.layer for refusal in error.value.refusals] == [text.name, "own", "inner/odd", "o"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("export", [to_onnx, to_numpy_source])
def test_what_is_no_model(export, tmp_path):
    with pytest.raises(TypeError, match=r"takes a model. Received: Dense"):
        export(k.Dense(3), tmp_path / "file")
    for model in (keras.Sequential([k.Dense(3)]), keras.Sequential([keras.Input((3,))])):
        with pytest.raises(ValueError, match=r"is not built.*model.build"):
            export(model, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("export", [to_onnx, to_numpy_source])
def test_a_file_is_old_or_new(export, tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((3,)), k.Dense(3)])
    path = tmp_path / "file"
    export(model, path)
    old = path.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="The old file is as it was"):
        export(model, path)
    assert path.read_bytes() == old and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        export(model, tmp_path / "nowhere" / "file")


def test_a_model_that_is_too_large_for_onnx(monkeypatch, tmp_path):
    monkeypatch.setattr(onnx, "LARGEST", 100)
    model = keras.Sequential([keras.Input((30,)), k.Dense(3)])
    with pytest.raises(ValueError, match="holds at most 100"):
        to_onnx(model, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_the_type_of_the_input():
    model = keras.Sequential([k.SpectralNormalization(k.Dense(2, dtype="float64"))])
    model.build((None, 3))
    assert onnx_of(model)["graph"]["inputs"][0][1] == "float64"
    ids = keras.Sequential([keras.Input((3, 2)), k.TimeDistributed(k.Embedding(4, 2))])
    assert onnx_of(ids)["graph"]["inputs"][0][1] == "int64"
    declared = keras.Sequential([keras.Input((3,), dtype="int32"), k.Embedding(4, 2)])
    assert onnx_of(declared)["graph"]["inputs"][0][1] == "int32"
    with pytest.raises(AttributeError, match="no defined input type"):
        keras.Sequential([k.Dense(2)]).input_dtype  # noqa: B018


@pytest.mark.parametrize("export", [to_onnx, to_numpy_source])
def test_what_cannot_go_inside_of_other_layers(export):
    own = {"activation": own_activation}
    stack = [k.LSTMCell(2), k.GRUCell(3, **own)]
    model = keras.Sequential(
        [
            keras.Input((4, 2)),
            k.Bidirectional(k.LSTM(3, return_sequences=True, **own, name="lstm"), name="both"),
            k.RNN(stack, return_sequences=True, name="stack"),
            k.TimeDistributed(keras.Sequential([k.Lambda(own_activation, name="function")], name="inner"), name="td"),
            k.Bidirectional(k.LSTM(3, return_state=True, recurrent_activation=own_activation, name="l"), name="last"),
        ]
    )  # fmt: skip
    with pytest.raises(ExportError) as error:
        export(model, io.BytesIO())
    wanted = ["both/forward_lstm", "both/backward_lstm", "stack", "td/inner/function"]
    wanted += ["last/forward_l", "last/backward_l"]
    assert [refusal.layer for refusal in error.value.refusals] == wanted
