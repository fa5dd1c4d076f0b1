"""Data sets of arrays, of windows and of files; images; pictures of models."""

from __future__ import annotations

import io
import sys
import types
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minikeras as mk
from minikeras import utils
from minikeras.layers import Dense, Dropout, Input
from minikeras.utils.dataset import from_arrays

N = np.arange(10)


@given(
    st.integers(2, 40),
    st.one_of(st.none(), st.integers(1, 39), st.floats(0.05, 0.95)),
    st.one_of(st.none(), st.integers(1, 39), st.floats(0.05, 0.95)),
    st.booleans(),
)
def test_both_sides_have_their_size_and_no_sample_in_common(n, left, right, shuffle):
    sizes = [round(s * n) if isinstance(s, float) else s for s in (left, right)]
    try:
        a, b = utils.split_dataset(np.arange(n), left, right, shuffle, seed=1)
    except ValueError:
        a_size = sizes[0] if sizes[0] is not None else n - (sizes[1] or 0)
        b_size = sizes[1] if sizes[1] is not None else n - a_size
        assert (
            left is right is None
            or a_size + b_size > n
            or min(a_size, b_size) < 1
            or max(a_size, b_size) >= n
        )
        return
    for side, size in zip((a, b), sizes, strict=True):
        assert size is None or len(side) == size
    found = [*a, *b]
    assert len(set(map(int, found))) == len(found) <= n
    assert shuffle or found[: len(a)] == list(range(len(a)))


def test_what_split_data_sets_are_good_for():
    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.ones((40, 1))
    left, right = utils.split_dataset((x, y), left_size=0.75)
    first = next(iter(left))
    np.testing.assert_array_equal(first[0], x[0])
    assert first[1].shape == (1,) and len(left) == 30
    model = mk.Sequential([Input((3,)), Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(left.batch(8), validation_data=right.batch(4), epochs=2, verbose=0).history
    assert len(history["val_loss"]) == 2 and int(model.optimizer.iterations) == 8
    again, _ = utils.split_dataset(left.batch(8), left_size=10)
    assert [len(b[0]) for b in again] == [8, 2]


def test_each_epoch_has_its_own_order():
    dataset = from_arrays(N, 3)
    dataset.shuffle = True
    first, second = np.concatenate(list(dataset)), np.concatenate(list(dataset))
    assert first.tolist() == N.tolist() != second.tolist() and sorted(second) == N.tolist()
    with pytest.raises(IndexError):
        dataset[4]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: utils.split_dataset(N), ValueError, "at least one"),
        (lambda: utils.split_dataset(N, 10), ValueError, "`left_size`.*between 0 and 10"),
        (lambda: utils.split_dataset(N, right_size=1.0), ValueError, "`right_size`"),
        (lambda: utils.split_dataset(N, 0.01), ValueError, "0 on the left"),
        (lambda: utils.split_dataset(N, 6, 6), ValueError, "6 on the right"),
        (lambda: utils.split_dataset(N, "a"), TypeError, "`left_size`"),
        (lambda: utils.split_dataset(N, True), TypeError, "`left_size`"),
        (lambda: utils.split_dataset("abc", 1), TypeError, "str"),
        (lambda: utils.split_dataset((N, N[:3]), 1), ValueError, r"\[10, 3\]"),
        (lambda: utils.split_dataset((), 1), ValueError, "not empty|one length"),
        (lambda: from_arrays(N).batch(0), ValueError, "`batch_size`"),
        (lambda: utils.timeseries_dataset_from_array(N, None, 0), ValueError, "`sequence_length`"),
        (lambda: utils.timeseries_dataset_from_array(N, None, 2, 0), ValueError, "`sequence_stride`"),
        (lambda: utils.timeseries_dataset_from_array(N, None, 2, 1, 0), ValueError, "`sampling_rate`"),
        (lambda: utils.timeseries_dataset_from_array(N, None, 2, end_index=11), ValueError, "end_index=11"),
        (lambda: utils.timeseries_dataset_from_array(N, None, 2, start_index=-1), ValueError, "`start_index`"),
        (lambda: utils.timeseries_dataset_from_array(N, None, 4, 1, 4), ValueError, "no window of 4 rows, 4 apart"),
    ],
    ids=range(17),
)  # fmt: skip
def test_what_cannot_be_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_windows_are_those_of_a_plain_loop(n, length, stride, rate, with_targets):
    data, targets = np.arange(n) * 10, np.arange(n) if with_targets else None
    expected = [
        (data[i : i + (length - 1) * rate + 1 : rate].tolist(), i)
        for i in range(0, n - (length - 1) * rate, stride)
    ]
    if not expected:
        return
    dataset = utils.timeseries_dataset_from_array(data, targets, length, stride, rate, batch_size=4)
    batches = list(dataset)
    assert len(batches) == len(dataset) == -(-len(expected) // 4)
    if with_targets:
        assert [(w.tolist(), t) for x, y in batches for w, t in zip(x, y, strict=True)] == expected
    else:
        assert [w.tolist() for x in batches for w in x] == [w for w, _ in expected]


def test_windows_within_bounds_in_random_order_and_without_batches():
    make = utils.timeseries_dataset_from_array
    inside = make(N, N, 3, start_index=2, end_index=8, batch_size=None)
    assert [(x.tolist(), int(y)) for x, y in inside] == [([i, i + 1, i + 2], i) for i in (2, 3, 4, 5)]
    first, second = (list(make(N, None, 2, shuffle=True, seed=s, batch_size=20)) for s in (1, 1))
    assert first[0].tolist() == second[0].tolist() != sorted(first[0].tolist()) and len(first[0]) == 9
    assert len(next(iter(make(N, N[:4], 2, batch_size=20)))[1]) == 4  # a window needs its target


# Texts


@pytest.fixture
def texts(tmp_path):
    for name in (
        "bad/b1.txt",
        "bad/b2.txt",
        "good/g1.txt",
        "good/deep/g2.txt",
        "good/readme.md",
        ".git/x.txt",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"text of {file.name}", encoding="utf-8")
    return tmp_path


def read(dataset):
    return {text: label.tolist() for x, y in dataset for text, label in zip(x, y, strict=True)}


def test_texts_in_folders(texts, capsys):
    dataset = utils.text_dataset_from_directory(texts, batch_size=3, seed=0)
    assert capsys.readouterr().out == "Found 4 files belonging to 2 classes.\n"
    expected = {"text of b1.txt": 0, "text of b2.txt": 0, "text of g1.txt": 1, "text of g2.txt": 1}
    assert read(dataset) == expected and [len(x) for x, _ in dataset] == [3, 1]
    assert dataset.class_names == ["bad", "good"]
    assert sorted(p.rsplit("/", 1)[-1] for p in dataset.file_paths) == [
        "b1.txt",
        "b2.txt",
        "g1.txt",
        "g2.txt",
    ]


@pytest.mark.parametrize(("mode", "expected"), [("int", 1), ("categorical", [0.0, 1.0]), ("binary", [1.0])])
def test_labels_take_the_form_of_the_loss(texts, mode, expected):
    found = read(utils.text_dataset_from_directory(texts, label_mode=mode, verbose=False, max_length=9))
    assert found["text of g"] == expected
    alone = utils.text_dataset_from_directory(texts, label_mode=None, verbose=False)
    assert next(iter(alone)).shape == (5,)  # without classes, hidden folders count too, as in Keras


def test_labels_and_classes_of_ones_own(texts, capsys):
    own = utils.text_dataset_from_directory(texts / "good", labels=[7, 5], shuffle=False, batch_size=None)
    assert [(x, int(y)) for x, y in own] == [("text of g1.txt", 7), ("text of g2.txt", 5)]
    assert own.class_names == ["5", "7"]
    none = utils.text_dataset_from_directory(texts / "good", labels=None, shuffle=False)
    assert list(none[0]) == ["text of g1.txt", "text of g2.txt"] and none.class_names is None
    assert "Found 2 files.\n" in capsys.readouterr().out
    swapped = utils.text_dataset_from_directory(texts, class_names=["good", "bad"], verbose=False)
    assert read(swapped)["text of b1.txt"] == 1


def test_subsets_are_apart(texts):
    options = {"validation_split": 0.5, "seed": 3, "verbose": False}
    both = utils.text_dataset_from_directory(texts, subset="both", **options)
    training = utils.text_dataset_from_directory(texts, subset="training", **options)
    validation = utils.text_dataset_from_directory(texts, subset="validation", **options)
    assert read(both[0]) == read(training) and read(both[1]) == read(validation)
    assert len(read(training) | read(validation)) == 4
    order = np.arange(4)
    np.random.RandomState(3).shuffle(order)  # Keras' order of the files
    names = np.array(["b1.txt", "b2.txt", "g1.txt", "g2.txt"])
    assert [p.rsplit("/", 1)[-1] for p in validation.file_paths] == names[order[2:]].tolist()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"label_mode": "onehot"}, "`label_mode`"),
        ({"class_names": ["worse"]}, "worse"),
        ({"class_names": ["bad"], "labels": None}, "`class_names`"),
        ({"class_names": ["bad"], "label_mode": "binary"}, "exactly 2 classes"),
        ({"labels": [1, 2]}, "2 labels for 5 files"),
        ({"subset": "test"}, "`subset`"),
        ({"subset": "training"}, "go together"),
        ({"validation_split": 0.5}, "go together"),
        ({"validation_split": 0.5, "subset": "both"}, "`seed`"),
        ({"validation_split": 1.5, "subset": "both", "seed": 1}, "`validation_split`"),
        ({"validation_split": 0.1, "subset": "validation", "seed": 1}, "empty"),
        ({"max_length": 0}, "`max_length`"),
        ({"batch_size": 0}, "`batch_size`"),
    ],
    ids=range(13),
)
def test_bad_arguments_for_folders_are_named(texts, options, words):
    with pytest.raises(ValueError, match=words):
        utils.text_dataset_from_directory(texts, **options)
    with pytest.raises(ValueError, match="no files found"):
        utils.text_dataset_from_directory(texts / "good" / "deep", labels="inferred")


# Images: a stand-in for Pillow, whose files are NumPy's


class Picture:
    def __init__(self, array, mode):
        self.array, self.mode = array, mode
        self.height, self.width = array.shape[:2]
        self.size = (self.width, self.height)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.array, dtype)

    def load(self):
        pass

    def convert(self, mode):
        grey = self.array if self.array.ndim == 2 else self.array[..., :3].mean(axis=2)
        channels = {"L": 1, "RGB": 3, "RGBA": 4}[mode]
        return Picture(grey if channels == 1 else np.stack([grey] * channels, axis=2), mode)

    def resize(self, size, method, box=None):
        left, top, right, bottom = box or (0, 0, self.width, self.height)
        columns = left + (np.arange(size[0]) + 0.5) * (right - left) / size[0]
        rows = top + (np.arange(size[1]) + 0.5) * (bottom - top) / size[1]
        return Picture(self.array[rows.astype(int)][:, columns.astype(int)], self.mode)

    def paste(self, other, at):
        self.array[at[1] : at[1] + other.height, at[0] : at[0] + other.width] = other.array

    def save(self, path, format, **options):
        assert format in ("png", "jpeg") and set(options) <= {"quality"}
        with open(path, "wb") as file:
            np.save(file, self.array)


def mode_of(array):
    return "L" if array.ndim == 2 else {3: "RGB", 4: "RGBA"}[array.shape[2]]


def open_picture(path):
    array = np.load(path)
    return Picture(array, mode_of(array))


@pytest.fixture
def pillow(monkeypatch):
    package, image = types.ModuleType("PIL"), types.ModuleType("PIL.Image")
    image.open = open_picture
    image.fromarray = lambda a: Picture(a, mode_of(a))
    image.new = lambda mode, size: Picture(np.zeros((size[1], size[0], 3)), mode)
    image.Resampling = {n.upper(): n for n in utils.images.INTERPOLATIONS}
    package.Image = image
    monkeypatch.setitem(sys.modules, "PIL", package)
    monkeypatch.setitem(sys.modules, "PIL.Image", image)


def test_images_there_and_back(pillow, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (4, 6, 3)).astype("float32")
    x[0, 0, 0], x[0, 0, 1] = 0, 255
    utils.save_img(tmp_path / "a.png", x)
    np.testing.assert_allclose(utils.img_to_array(utils.load_img(tmp_path / "a.png")), x, atol=1)
    first = utils.img_to_array(utils.load_img(str(tmp_path / "a.png")), "channels_first", "float64")
    assert first.shape == (3, 4, 6) and first.dtype == np.float64
    back = utils.array_to_img(first, "channels_first", scale=False)
    assert np.asarray(back).dtype == np.uint8 and back.size == (6, 4)
    grey = utils.load_img(io.BytesIO((tmp_path / "a.png").read_bytes()), "grayscale", (2, 3))
    assert utils.img_to_array(grey).shape == (2, 3, 1)
    assert utils.img_to_array(np.ones((2, 3))).shape == (2, 3, 1)
    assert np.asarray(utils.array_to_img(np.full((2, 2, 1), 1000.0), scale=False)).dtype == np.uint16
    assert np.asarray(utils.array_to_img(np.arange(4.0).reshape(2, 2, 1))).tolist() == [[0, 85], [170, 255]]
    with pytest.warns(UserWarning, match="JPEG"):
        utils.save_img(tmp_path / "a.jpg", np.ones((2, 2, 4)), quality=9)
    same = utils.load_img(tmp_path / "a.png", target_size=(4, 6))
    assert same.size == (6, 4)
    cut = utils.img_to_array(utils.load_img(tmp_path / "a.png", target_size=(2, 2), keep_aspect_ratio=True))
    np.testing.assert_allclose(cut, x[1::2, [2, 4]], atol=1)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: utils.load_img("x.png", color_mode="bgr"), ValueError),
        (lambda: utils.load_img("x.png", interpolation="cubic"), ValueError),
        (lambda: utils.load_img(3), TypeError),
        (lambda: utils.img_to_array(np.ones(3)), ValueError),
        (lambda: utils.img_to_array(np.ones((3, 3)), "nhwc"), ValueError),
        (lambda: utils.array_to_img(np.ones((3, 3))), ValueError),
        (lambda: utils.array_to_img(np.ones((3, 3, 2))), ValueError),
        (lambda: utils.image_dataset_from_directory(".", image_size=3.5), ValueError),
        (lambda: utils.image_dataset_from_directory(".", interpolation="x"), ValueError),
        (
            lambda: utils.image_dataset_from_directory(
                ".", crop_to_aspect_ratio=True, pad_to_aspect_ratio=True
            ),
            ValueError,
        ),
    ],
    ids=range(10),
)
def test_bad_images_are_refused(pillow, call, error):
    with pytest.raises(error):
        call()


def test_images_in_folders(pillow, tmp_path):
    for name, value in (("cats/a.png", 10), ("cats/b.JPG", 20), ("dogs/c.png", 30)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Picture(np.full((4, 8, 3), value, "uint8"), "RGB").save(tmp_path / name, "png")
    options = {"image_size": (6, 6), "shuffle": False, "verbose": False}
    x, y = utils.image_dataset_from_directory(tmp_path, **options)[0]
    assert x.shape == (3, 6, 6, 3) and x.dtype == np.float32 and y.tolist() == [0, 0, 1]
    assert x[:, 0, 0, 0].tolist() == [10, 20, 30] and y.dtype == np.int32
    padded = utils.image_dataset_from_directory(tmp_path, pad_to_aspect_ratio=True, **options)[0][0]
    assert padded[0, :, 0, 0].tolist() == [0, 10, 10, 10, 0, 0]
    grey = utils.image_dataset_from_directory(
        tmp_path, color_mode="grayscale", data_format="channels_first", crop_to_aspect_ratio=True, **options
    )
    assert grey[0][0].shape == (3, 1, 6, 6)
    assert mk.preprocessing.image_dataset_from_directory is utils.image_dataset_from_directory


@pytest.mark.parametrize("module", ["PIL", "pydot"])
def test_without_a_library_the_error_names_the_extra(monkeypatch, module, tmp_path):
    monkeypatch.setitem(sys.modules, module, None)
    extra = {"PIL": "image", "pydot": "graphviz"}[module]
    with pytest.raises(ImportError, match=rf"minikeras\[{extra}\]"):
        if module == "PIL":
            utils.load_img(str(tmp_path / "a.png"))
        else:
            utils.model_to_dot(mk.Sequential([Input((2,)), Dense(1)]))


# Pictures of models


def nested():
    inner = mk.Sequential(
        [Input((4,)), Dense(5, activation="relu", name="i1"), Dropout(0.5, name="i2")], name="in"
    )
    outer = mk.Sequential([Input((4,)), Dense(4, name="o<1>"), inner, Dense(2, name="o2")], name="out")
    outer.layers[0].trainable = False
    return outer


SHOW = dict.fromkeys(
    ("show_shapes", "show_dtype", "show_layer_names", "show_layer_activations", "show_trainable"), True
)


def parts(picture, tag):
    return [e for e in ElementTree.fromstring(picture).iter() if e.tag.endswith("}" + tag)]


@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT", "RL"])
@pytest.mark.parametrize("expand", [False, True])
def test_pictures_need_no_library(tmp_path, rankdir, expand):
    model, file = nested(), tmp_path / "m.svg"
    picture = utils.plot_model(model, file, rankdir=rankdir, expand_nested=expand, **SHOW)
    assert file.read_text(encoding="utf-8") == picture == picture._repr_svg_()
    written = [e.text for e in parts(picture, "text")]
    assert {"o<1> (Dense)", "Output: (None, 2)", "Dtype: float32", "Trainable: no"} <= set(written)
    assert ("Activation: relu" in written) == ("in" in written) == expand
    boxes = [e for e in parts(picture, "rect") if e.get("fill") != "none"]
    assert len(boxes) == (4 if expand else 3)
    axis, size = ("y", "height") if rankdir in ("TB", "BT") else ("x", "width")
    ends = [float(b.get(axis)) + float(b.get(size)) for b in boxes]
    assert all(float(b.get(axis)) > end for b, end in zip(boxes[1:], ends, strict=False))
    total = float(ElementTree.fromstring(picture).get(size))
    assert ends[-1] < total
    first = written.index("o<1> (Dense)") < written.index("o2 (Dense)")
    assert first == (rankdir in ("TB", "LR"))


def test_pictures_of_models_without_shapes_and_without_layers():
    unbuilt = mk.Sequential([Dense(3)])
    assert "Output: ?" in utils.plot_model(unbuilt, None, show_shapes=True)
    assert not parts(utils.plot_model(mk.Sequential(), None), "rect")
    with pytest.raises(ValueError, match="`rankdir`"):
        utils.plot_model(unbuilt, None, rankdir="up")


class Graph:
    def __init__(self, name="", graph_name="", label=""):
        self.name, self.label = name or graph_name, label
        self.nodes, self.edges, self.subgraphs, self.settings = [], [], [], {}

    def set(self, name, value):
        self.settings[name] = value

    def set_node_defaults(self, **kwargs):
        self.settings.update(kwargs)

    def add_node(self, node):
        self.nodes.append(node)

    def add_edge(self, edge):
        self.edges.append(edge)

    def add_subgraph(self, graph):
        self.subgraphs.append(graph)

    def write(self, path, format):
        if format == "pdf":
            raise FileNotFoundError("dot")
        with open(path, "w") as file:
            file.write(format)


def test_graphviz_when_asked_for(monkeypatch, tmp_path):
    pydot = types.ModuleType("pydot")
    pydot.Dot = pydot.Cluster = Graph
    pydot.Node = lambda name, label: (name, label)
    pydot.Edge = lambda a, b: (a, b)
    monkeypatch.setitem(sys.modules, "pydot", pydot)
    dot = utils.model_to_dot(nested(), rankdir="LR", expand_nested=True)
    assert dot.nodes == [("layer0", '"o\\<1\\> (Dense)"'), ("layer3", '"o2 (Dense)"')]
    assert dot.edges == [("layer0", "layer1"), ("layer1", "layer2"), ("layer2", "layer3")]
    assert [g.label for g in dot.subgraphs] == ["in"] and len(dot.subgraphs[0].nodes) == 2
    assert dot.settings == {"rankdir": "LR", "dpi": 200, "splines": "ortho", "shape": "record"}
    assert utils.model_to_dot(nested(), subgraph=True).name == "out"
    utils.plot_model(nested(), tmp_path / "m.png")
    assert (tmp_path / "m.png").read_text() == "png"
    with pytest.raises(OSError, match=r"`dot` is not installed.*model\.svg"):
        utils.plot_model(nested(), tmp_path / "m.pdf")
