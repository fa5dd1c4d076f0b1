"""Data sets of words and tables: small files of their formats, and Keras' numbers from these files."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from minikeras import datasets
from minikeras.datasets import (
    _files,
    boston_housing,
    california_housing,
    cifar100,
    imdb,
    reuters,
)

sys.path.insert(0, str(Path(__file__).parent / "golden"))
import record_datasets as golden

RESULTS = json.loads(golden.FILE.read_text())


@pytest.mark.parametrize("case", range(len(golden.CALLS)), ids=lambda i: f"{golden.CALLS[i]}")
def test_order_coding_and_split_are_those_of_keras(case, data_folder):
    golden.write_files(data_folder)
    name, arguments = golden.CALLS[case]
    data = getattr(datasets, name).load_data(**arguments)
    assert golden.as_json(data) == RESULTS[case]
    for x, y in data:
        assert len(x) == len(y)
        if name in ("imdb", "reuters"):
            assert x.dtype == object and x.ndim == 1 and {list}.issuperset(map(type, x))
            assert y.dtype == np.int64
        else:
            assert x.dtype == y.dtype == np.float64 and x.flags.owndata


def test_texts_of_one_length_are_still_lists(data_folder):
    array = np.empty(5, object)
    array[:] = [[1, 2]] * 5
    np.savez(data_folder / "reuters.npz", x=array, y=np.arange(5))
    (x, _), _ = reuters.load_data(num_words=9)
    assert x.shape == (4,) and x[0] == [1, 4, 5]


def test_word_indexes_and_topics(data_folder, monkeypatch):
    monkeypatch.setattr("minikeras.datasets._words.SERVER", "http://127.0.0.1:9/")
    source = data_folder / "source.json"
    source.write_text('{"the": 1, "café": 2}', encoding="utf-8")
    for module, name in ((imdb, "imdb_word_index.json"), (reuters, "reuters_word_index.json")):
        with pytest.raises(OSError, match="put it at"):
            module.get_word_index()
        (data_folder / name).write_bytes(source.read_bytes())
        assert module.get_word_index() == {"the": 1, "café": 2}
        for wrong in ("[1]", '{"the": "1"}', "{"):
            (data_folder / "wrong.json").write_text(wrong)
            with pytest.raises(ValueError, match=r"wrong.json does not hold .* words: (.|\n)*a JSON object"):
                module.get_word_index("wrong.json")
    names = reuters.get_label_names()
    assert len(names) == len(set(names)) == 46 and (names[3], names[45]) == ("earn", "lead")


@pytest.mark.parametrize(
    ("load", "arguments", "problem"),
    [
        (imdb.load_data, {"num_words": 0}, "`num_words` must be a positive integer"),
        (imdb.load_data, {"num_words": 1e4}, "`num_words`"),
        (imdb.load_data, {"skip_top": -1}, "`skip_top` must be an integer of at least 0"),
        (imdb.load_data, {"maxlen": 0}, "`maxlen`"),
        (imdb.load_data, {"start_char": "<"}, "`start_char`"),
        (imdb.load_data, {"oov_char": -2}, "`oov_char`"),
        (imdb.load_data, {"index_from": None}, "`index_from`"),
        (imdb.load_data, {"seed": None}, "`seed`"),
        (imdb.load_data, {"seed": 2**32}, "`seed` must be less than"),
        (imdb.load_data, {"maxlen": 1}, "imdb.load_data: no text is shorter than maxlen=1"),
        (reuters.load_data, {"maxlen": 1}, "reuters.load_data: no text is shorter than maxlen=1"),
        (reuters.load_data, {"test_split": 1}, "`test_split` must be less than 1"),
        (boston_housing.load_data, {"test_split": -0.1}, "`test_split` must be a number in the range"),
        (boston_housing.load_data, {"seed": -1}, "`seed`"),
        (california_housing.load_data, {"version": "smal"}, "Did you mean 'small'"),
        (california_housing.load_data, {"test_split": "0.2"}, "`test_split`"),
        (cifar100.load_data, {"label_mode": "course"}, "Did you mean 'coarse'"),
    ],
)
def test_bad_arguments(load, arguments, problem, data_folder):
    golden.write_files(data_folder)
    with pytest.raises(ValueError, match=problem):
        load(**arguments)


def objects(*items):
    array = np.empty(len(items), object)
    for i, item in enumerate(items):
        array[i] = item
    return array


TEXTS = objects([1, 2], [3])


@pytest.mark.parametrize(
    ("load", "arrays", "problem"),
    [
        (reuters.load_data, {"x": TEXTS}, "y is not a file in the archive"),
        (
            reuters.load_data,
            {"x": TEXTS, "y": np.arange(3)},
            r"texts of shape \(2,\), labels of shape \(3,\)",
        ),
        (reuters.load_data, {"x": TEXTS, "y": np.zeros(2)}, "type float64"),
        (reuters.load_data, {"x": np.ones((2, 2)), "y": np.arange(2)}, "its sequences are of type float64"),
        (
            reuters.load_data,
            {"x": objects([1], [2.5]), "y": np.arange(2)},
            "a text is no list of whole numbers",
        ),
        (
            reuters.load_data,
            {"x": objects([1], "ab"), "y": np.arange(2)},
            "a text is no list of whole numbers",
        ),
        (reuters.load_data, {"x": objects([1], Path("a")), "y": np.arange(2)}, "it asks for pathlib"),
        (imdb.load_data, {"x_train": TEXTS, "y_train": np.arange(2)}, "y_test is not a file in the archive"),
        (boston_housing.load_data, golden.table(5, 12), r"x has shape \(5, 12\) and y \(5,\)"),
        (boston_housing.load_data, {**golden.table(5, 13), "y": np.ones(4)}, r"y \(4,\)"),
        (california_housing.load_data, {**golden.table(5, 8), "y": np.arange(5)}, "y int64"),
    ],
)
def test_files_with_other_arrays_are_named(load, arrays, problem, data_folder):
    np.savez(data_folder / "mine.npz", **arrays)
    with pytest.raises(ValueError, match=rf"mine\.npz does not hold .*{problem}(.|\n)*delete the file"):
        load(path="mine.npz")


def test_an_archive_without_an_array_is_named(data_folder):
    header = {"descr": "|O", "fortran_order": False, "shape": (2,)}
    with open(data_folder / "x.npy", "wb") as file:
        np.lib.format.write_array_header_2_0(file, header)
        pickle.dump([1, 2], file)
    np.savez(data_folder / "reuters.npz", y=np.arange(2))
    with zipfile.ZipFile(data_folder / "reuters.npz", "a") as archive:
        archive.write(data_folder / "x.npy", "x.npy")
    with pytest.raises(ValueError, match="it holds a list where an array should be"):
        reuters.load_data()


def test_a_pickle_can_run_nothing(data_folder):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(data_folder / "broken-in"),)

    np.savez(
        data_folder / "imdb.npz",
        x_train=objects(Evil()),
        y_train=np.arange(1),
        x_test=TEXTS,
        y_test=np.arange(2),
    )
    with pytest.raises(ValueError, match=r"imdb.npz does not hold IMDB: it asks for (posix|nt)\.mkdir"):
        imdb.load_data()
    assert not (data_folder / "broken-in").exists()


def test_the_operating_systems_errors_stay_what_they_are(data_folder):
    (data_folder / "imdb_word_index.json").mkdir()
    with pytest.raises(OSError, match=r"director|denied"):
        imdb.get_word_index()
    with pytest.raises(ValueError, match="thing"), _files.reading("f", "thing", "x"):
        raise gzip.BadGzipFile("no number")


@pytest.mark.parametrize("name", ["imdb", "reuters", "boston_housing", "california_housing"])
def test_they_are_downloaded_once_and_checked(name, data_folder, tmp_path, monkeypatch, capsys):
    golden.write_files(tmp_path)
    module, source = getattr(datasets, name), tmp_path / f"{name}.npz"
    with pytest.raises(OSError, match="put it at"):
        module.load_data()
    monkeypatch.setattr(module, "ORIGIN", source.as_uri())
    with pytest.raises(ValueError, match="Incomplete or corrupted file"):
        module.load_data()
    assert os.listdir(data_folder) == []
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(source.read_bytes()).hexdigest())
    module.load_data()
    assert os.listdir(data_folder) == [f"{name}.npz"]
    source.unlink()
    capsys.readouterr()
    module.load_data()
    assert capsys.readouterr().out == ""
