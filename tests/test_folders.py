"""Folders of text files as data sets: names, labels, orders, splits, refusals."""

from pathlib import Path

import numpy as np
import pytest

from minikeras import utils


@pytest.fixture
def texts(tmp_path):
    for i in range(10):
        path = tmp_path / ("bad" if i % 2 else "good") / f"{i}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"Text {i}: größer", encoding="utf-8")
    return tmp_path


def load(directory, **arguments):
    return utils.text_dataset_from_directory(directory, **{"verbose": False, **arguments})


def numbers(data):
    return [int(text[5]) for x, *_ in data for text in x]


def test_a_folder_of_texts(texts):
    x, y = next(iter(load(texts, shuffle=False)))
    assert x[0] == "Text 1: größer" and x.dtype == object
    assert y.tolist() == [0] * 5 + [1] * 5 and y.dtype == np.int32
    x, _ = next(iter(load(texts, shuffle=False, max_length=10, batch_size=None)))
    assert x == "Text 1: gr"
    assert next(iter(load(texts, shuffle=False, max_length=11)))[0][0] == "Text 1: grö"


def test_labels_of_each_kind(texts):
    binary = next(iter(load(texts, label_mode="binary", shuffle=False)))[1]
    assert binary.dtype == np.float32 and binary.tolist() == [[0.0]] * 5 + [[1.0]] * 5
    one_hot = next(iter(load(texts, label_mode="categorical", shuffle=False)))[1]
    assert one_hot.dtype == np.float32
    np.testing.assert_array_equal(one_hot, np.repeat(np.eye(2), 5, axis=0))
    alone = load(texts, label_mode=None, batch_size=10)
    assert next(iter(alone)).shape == (10,) and alone.class_names is None
    given = load(texts, labels=list(range(10)), label_mode="int", shuffle=False)
    assert next(iter(given))[1].tolist() == list(range(10))
    assert given.class_names == [str(i) for i in range(10)]
    # without classes all files below the folder count, in the order of their paths
    assert [Path(p).parent.name for p in given.file_paths] == ["bad"] * 5 + ["good"] * 5


def test_chosen_classes(texts):
    reversed_ = load(texts, class_names=["good", "bad"], shuffle=False)
    assert reversed_.class_names == ["good", "bad"] and next(iter(reversed_))[1].tolist() == [0] * 5 + [1] * 5
    only = load(texts, class_names=["good"], shuffle=False)
    assert numbers(only) == [0, 2, 4, 6, 8]


def test_shuffled_as_keras_does(texts):
    in_order = load(texts, shuffle=False)
    paths, labels = list(in_order.file_paths), [0] * 5 + [1] * 5
    np.random.RandomState(7).shuffle(paths)
    np.random.RandomState(7).shuffle(labels)
    data = load(texts, seed=7, batch_size=1)
    assert data.file_paths == paths
    for text, label in data:  # text and label still belong together
        assert label[0] == (int(text[0][5]) % 2 == 0)
    first, second = numbers(data), numbers(data)
    assert first != second and sorted(first) == sorted(second) == list(range(10))
    assert load(texts, validation_split=0.3, subset="validation", seed=7).file_paths == paths[-3:]
    train, valid = load(texts, validation_split=0.3, subset="both", seed=7)
    assert train.file_paths == paths[:7] and valid.file_paths == paths[-3:]
    assert numbers(valid) == [int(Path(p).stem) for p in paths[-3:]]  # always in this order
    utils.set_random_seed(1)
    drawn = load(texts).file_paths
    utils.set_random_seed(1)
    assert load(texts).file_paths == drawn


def test_it_tells_what_it_found(texts, capsys):
    utils.text_dataset_from_directory(texts, validation_split=0.2, subset="both", seed=1)
    assert capsys.readouterr().out.splitlines() == [
        "Found 10 files belonging to 2 classes.", "Using 8 files for training.", "Using 2 files for validation.",
    ]  # fmt: skip
    utils.text_dataset_from_directory(texts, labels=None, validation_split=0.2, subset="training", seed=1)
    assert capsys.readouterr().out.splitlines() == ["Found 10 files.", "Using 8 files for training."]
    load(texts, validation_split=0.2, subset="both", seed=1)
    assert capsys.readouterr().out == ""


def test_links_are_followed_when_asked(texts, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "9.TXT").write_text("Text 9")
    (texts / "good" / "link").symlink_to(elsewhere)
    assert len(load(texts, batch_size=1)) == 10
    assert len(load(texts, batch_size=1, follow_links=True)) == 11


def test_a_text_that_is_not_utf_8_is_named(texts):
    (texts / "bad" / "1.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"1\.txt' is not in UTF-8"):
        next(iter(load(texts, shuffle=False)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": "all"}, "`labels` must be 'inferred'"),
        ({"labels": ["a"] * 10}, "`labels` must be 'inferred'"),
        ({"labels": np.arange(10)}, "`labels` must be 'inferred'"),
        ({"labels": [0, 1]}, "each of the 10 files"),
        ({"label_mode": "float"}, "`label_mode` must be one of"),
        ({"labels": None, "class_names": ["good"]}, "labels='inferred' only"),
        ({"labels": [0] * 10, "class_names": ["good"]}, "labels='inferred' only"),
        ({"class_names": ["goood"]}, "Did you mean 'good'"),
        ({"class_names": ["good"], "label_mode": "binary"}, "exactly 2 classes"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"max_length": 0}, "`max_length`"),
        ({"seed": 1.5}, "`seed`"),
        ({"subset": "validation"}, "go together"),
        ({"validation_split": 0.2}, "go together"),
        ({"validation_split": 0.2, "subset": "test", "seed": 1}, "`subset` must be one of"),
        ({"validation_split": 1.2, "subset": "both", "seed": 1}, "`validation_split` must be"),
        ({"validation_split": 0.2, "subset": "both"}, "give a `seed`"),
        ({"validation_split": 0.01, "subset": "both", "seed": 1}, "no files found .* for this part"),
        ({"format": "torch"}, "`format`"),
        ({"directory": "/nowhere"}, "there is no folder '/nowhere'"),
    ],
)
def test_a_folder_that_cannot_be_used(texts, arguments, message):
    with pytest.raises(ValueError, match=message):
        load(**{"directory": texts, **arguments})


def test_an_empty_folder(tmp_path):
    with pytest.raises(ValueError, match=r"no files found in .* end in \.txt"):
        load(tmp_path)
