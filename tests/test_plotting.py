"""Pictures of models: what they tell, that nothing overlaps, and what Graphviz is asked to do."""

import itertools
import sys
import types
import xml.etree.ElementTree as ET

import pytest

import minikeras as mk
from minikeras import layers as L  # noqa: N812
from minikeras import utils

EVERYTHING = {
    "show_shapes": True, "show_dtype": True, "show_layer_names": True, "expand_nested": True,
    "show_layer_activations": True, "show_trainable": True,
}  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def model():
    inner = mk.Sequential([L.Conv2D(4, 3, activation="relu"), L.Flatten()], name="encoder")
    m = mk.Sequential([mk.Input((8, 8, 1)), L.Dropout(0.1), inner])
    m.add(L.Dense(2, activation="softmax", name="a<b"))
    inner.layers[0].trainable = False
    return m


def texts(svg):
    return [node.text for node in ET.fromstring(svg).iter(f"{SVG}text")]


def numbers(node, *names):
    return [float(node.get(name)) for name in names]


def boxes(svg):
    """Each box and frame once, as (x, y, width, height)."""
    rects = [r for r in ET.fromstring(svg).iter(f"{SVG}rect") if r.get("rx")]
    leaves = [numbers(r, "x", "y", "width", "height") for r in rects if r.get("fill") == "white"]
    frames = [numbers(r, "x", "y", "width", "height") for r in rects if r.get("class") == "frame"]
    return leaves, frames


def test_by_default_the_classes_alone(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = utils.plot_model(model)
    assert texts((tmp_path / "model.svg").read_text()) == ["Dropout", "Sequential", "Dense"]
    assert picture._repr_svg_() == str(picture) == (tmp_path / "model.svg").read_text()
    utils.plot_model(model, tmp_path / "no_ending")
    assert (tmp_path / "no_ending").read_text() == str(picture)


def test_everything_there_is_to_show(model, tmp_path):
    told = texts(str(utils.plot_model(model, tmp_path / "m.svg", **EVERYTHING)))
    assert told[0] == "encoder (Sequential)"  # the name of the frame
    conv = told.index("conv2d (Conv2D)")
    assert told[conv + 1 : conv + 13] == [
        "Activation", "relu", "Input shape", "(None, 8, 8, 1)", "Output shape", "(None, 6, 6, 4)",
        "Parameters", "40", "Output dtype", "float32", "Trainable", "no",
    ]  # fmt: skip
    dense = told.index("a<b (Dense)")
    assert told[dense + 1 :][1::2] == ["softmax", "(None, 144)", "(None, 2)", "290", "float32", "yes"]


@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
@pytest.mark.parametrize("options", [{}, EVERYTHING])
def test_boxes_stand_in_the_picture_apart_and_in_order(model, tmp_path, rankdir, options):
    svg = str(utils.plot_model(model, tmp_path / "m.svg", rankdir=rankdir, **options))
    root = ET.fromstring(svg)
    width, height = numbers(root, "width", "height")
    leaves, frames = boxes(svg)
    assert (len(leaves), len(frames)) == ((4, 1) if options else (3, 0))
    for x, y, w, h in leaves + frames:
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
    for (x1, y1, w1, h1), (x2, y2, w2, h2) in itertools.combinations(leaves, 2):
        assert x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1
    for x, y, w, h in frames:  # around two boxes, and no others
        inside = [x < a and y < b and a + c < x + w and b + d < y + h for a, b, c, d in leaves]
        assert inside == [False, True, True, False]
    axis, sign = {"TB": (1, 1), "BT": (1, -1), "LR": (0, 1), "RL": (0, -1)}[rankdir]
    places = [sign * box[axis] for box in leaves]
    assert places == sorted(places)
    arrows = [a for a in root.iter(f"{SVG}line") if a.get("class") == "arrow"]
    assert len(arrows) == len(leaves) - 1
    for arrow, (source, target) in zip(arrows, itertools.pairwise(leaves), strict=True):
        x1, y1, x2, y2 = numbers(arrow, "x1", "y1", "x2", "y2")
        start, end = (x1, x2) if axis == 0 else (y1, y2)
        assert (y1 == y2) if axis == 0 else (x1 == x2)  # straight along the axis
        assert start == pytest.approx(source[axis] + source[axis + 2] * (sign > 0), abs=1e-2)
        assert end == pytest.approx(target[axis] + target[axis + 2] * (sign < 0), abs=1e-2)


def test_a_single_layer_and_models_in_models(tmp_path):
    layer = L.Dense(3)
    layer.build((None, 2))
    told = texts(str(utils.plot_model(layer, tmp_path / "a.svg", show_shapes=True)))
    assert told == ["Dense", "Input shape", "(None, 2)", "Output shape", "(None, 3)", "Parameters", "9"]
    deep = mk.Sequential([mk.Input((2,)), mk.Sequential([mk.Sequential([L.Dense(1)]), L.Dense(1)])])
    leaves, frames = boxes(str(utils.plot_model(deep, tmp_path / "b.svg", expand_nested=True)))
    assert (len(leaves), len(frames)) == (2, 2)


def test_shapes_that_are_lists_or_not_known(tmp_path):
    both = L.Bidirectional(L.SimpleRNN(3), merge_mode=None)
    told = texts(
        str(utils.plot_model(mk.Sequential([mk.Input((5, 2)), both]), tmp_path / "a.svg", show_shapes=True))
    )
    assert told[told.index("Output shape") + 1] == "(None, 3), (None, 3)"
    both.build_shape = None
    told = texts(str(utils.plot_model(both, tmp_path / "b.svg", show_shapes=True)))
    assert told[1:5] == ["Input shape", "?", "Output shape", "?"]


def test_the_text_for_graphviz(model, tmp_path):
    assert (
        utils.plot_model(model, tmp_path / "m.dot", rankdir="LR", dpi=96, splines="line", **EVERYTHING)
        is None
    )
    text = (tmp_path / "m.dot").read_text()
    assert "rankdir=LR; dpi=96; splines=line;" in text
    assert "layer_0 -> layer_1;\nlayer_1 -> layer_2;\nlayer_2 -> layer_3;\n}" in text
    assert (
        'subgraph cluster_layer_1_2 {\nlabel="encoder (Sequential)"; labeljust=l; style=dashed;\nlayer_1'
        in text
    )
    assert "<b>a&lt;b (Dense)</b>" in text and "<b>(None, 144)</b>" in text
    utils.plot_model(model, tmp_path / "m.dot")
    assert "subgraph" not in (tmp_path / "m.dot").read_text()


class Graph:
    """Stands for a graph of pydot; `fails` is what the program `dot` does."""

    fails = None

    def __init__(self, text):
        self.text = text

    def create(self, format):
        if self.fails:
            raise self.fails
        return f"{format} of {self.text}".encode()

    def get_subgraphs(self):
        return ["the subgraph"] if "subgraph" in self.text else []


@pytest.fixture
def pydot(monkeypatch):
    module = types.ModuleType("pydot")
    module.graph_from_dot_data = lambda text: [Graph(text)]
    monkeypatch.setitem(sys.modules, "pydot", module)


@pytest.mark.usefixtures("pydot")
def test_other_formats_come_from_graphviz(model, tmp_path, monkeypatch):
    assert utils.plot_model(model, tmp_path / "m.PNG", show_layer_names=True) is None
    assert (tmp_path / "m.PNG").read_text() == "png of " + utils.model_to_dot(model).text
    assert utils.model_to_dot(model, subgraph=True) == "the subgraph"
    monkeypatch.setattr(Graph, "fails", FileNotFoundError("dot"))
    with pytest.raises(ImportError, match="needs the program Graphviz"):
        utils.plot_model(model, tmp_path / "n.png")
    monkeypatch.setattr(Graph, "fails", AssertionError("exit 1"))
    with pytest.raises(ValueError, match="cannot write the format 'xyz'"):
        utils.plot_model(model, tmp_path / "n.xyz")
    assert not list(tmp_path.glob("n.*"))


def test_without_pydot_the_extra_is_named(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ImportError, match=r'pip install "minikeras\[graphviz\]"'):
        utils.plot_model(model, tmp_path / "m.png")
    with pytest.raises(ImportError, match="needs no library"):
        utils.model_to_dot(model)


@pytest.mark.parametrize("function", [utils.plot_model, utils.model_to_dot])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": 3}, TypeError, "Only a model or a layer"),
        ({"model": mk.Sequential([L.Dense(2)], name="raw")}, ValueError, "'raw' is not built yet"),
        ({"rankdir": "UP"}, ValueError, "`rankdir` must be one of"),
        ({"dpi": 0}, ValueError, "`dpi` must be"),
        ({"splines": "orto"}, ValueError, "Did you mean 'ortho'"),
    ],
)
def test_what_cannot_be_drawn(model, tmp_path, function, arguments, error, message):
    where = {"to_file": tmp_path / "m.dot"} if function is utils.plot_model else {}
    with pytest.raises(error, match=message):
        function(**{"model": model, **where, **arguments})
    assert not list(tmp_path.iterdir())
