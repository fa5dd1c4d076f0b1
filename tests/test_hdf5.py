"""The HDF5 files that Keras writes: read, written, and refused where there is more in them."""

from __future__ import annotations

import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikeras import saving
from minikeras.saving import hdf5

GOLDEN = Path(__file__).parent / "golden"


def recorded(name: str) -> bytes:
    with zipfile.ZipFile(GOLDEN / "hdf5.zip") as archive:
        return archive.read(name)


def dumps(tree: hdf5.Group) -> bytes:
    return b"".join(bytes(chunk) for chunk in hdf5.chunks(tree))


def same(a: hdf5.Group, b: hdf5.Group) -> None:
    assert a.members.keys() == b.members.keys()
    assert a.attributes.keys() == b.attributes.keys()
    for name, value in a.attributes.items():
        np.testing.assert_array_equal(value, b.attributes[name])
    for name, member in a.members.items():
        other = b.members[name]
        if isinstance(member, hdf5.Group):
            same(member, other)
        else:
            assert member.dtype == other.dtype
            np.testing.assert_array_equal(member, other)


def test_what_the_hdf5_library_writes():
    tree = hdf5.loads(recorded("plain"))
    rng = np.random.default_rng(0)
    for name in ("f2", "f4", "f8", "i1", "i4", "i8", "u1", "u8", "?"):
        expected = (rng.normal(size=(2, 3)) * 9).astype(name)
        assert tree[f"numbers/{name}"].dtype == expected.dtype
        np.testing.assert_array_equal(tree[f"numbers/{name}"], expected)
    assert tree["scalar"].shape == () and tree["scalar"] == 3.5
    assert tree["empty"].shape == (0, 4)
    np.testing.assert_array_equal(tree["bfloat16"], np.arange(6, dtype="f4").reshape(2, 3))
    np.testing.assert_array_equal(tree["compact"], [0, 1, 2])
    assert [int(tree[f"many/{i}"]) for i in range(40)] == list(range(40))
    found = tree["attributes"].attributes
    assert found["text"] == "naïve" and found["texts"] == ["a", "bc", "déf"] and found["nothing"] == ""
    assert found["bytes"] == ["kernel:0", "bias:0"] and found["number"] == 7 and found["empty"].size == 0
    del tree.members["bfloat16"]  # becomes float32
    same(hdf5.loads(dumps(tree)), tree)
    with pytest.raises(ValueError, match="read-only"):
        tree["compact"][0] = 1


NULL = "null"


@pytest.mark.parametrize(
    "name", sorted(set(zipfile.ZipFile(GOLDEN / "hdf5.zip").namelist()) - {"plain", NULL})
)
def test_what_is_not_read_is_refused(name):
    with pytest.raises(hdf5.Hdf5Error) as caught:
        hdf5.loads(recorded(name))
    assert 10 < len(str(caught.value)) < 250


def test_an_array_of_nothing():
    assert hdf5.loads(recorded(NULL))["x"].size == 0


def trees() -> st.SearchStrategy[hdf5.Group]:
    names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)
    arrays = st.tuples(
        st.sampled_from(["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]),
        st.lists(st.integers(0, 3), max_size=3),
    ).map(lambda a: (np.arange(np.prod(a[1], dtype=int)) % 5).reshape(a[1]).astype(a[0]))
    attributes = st.one_of(
        st.integers(-5, 5), st.text(max_size=9), st.lists(st.text(max_size=5), max_size=3), arrays
    )

    def group(members, attributes):
        made = hdf5.Group()
        made.members, made.attributes = members, attributes
        return made

    attribute_lists = st.dictionaries(names, attributes, max_size=3)
    return st.recursive(
        st.builds(group, st.dictionaries(names, arrays, max_size=12), attribute_lists),
        lambda inner: st.builds(group, st.dictionaries(names, st.one_of(inner, arrays), max_size=12), attribute_lists),
        max_leaves=12,
    )  # fmt: skip


@given(trees())
def test_any_tree_comes_back(tree):
    data = dumps(tree)
    same(tree, hdf5.loads(data))
    assert dumps(tree) == data


@pytest.mark.parametrize("n", [0, 1, 8, 9, 256, 257, 3000])
def test_groups_of_any_size(n, tmp_path):
    tree = hdf5.Group()
    for i in range(n):
        tree[f"group/{i}"] = np.full((2,), i, "f4")
    tree.group("group")
    hdf5.save(tmp_path / "x.h5", tree)
    same(tree, hdf5.load(tmp_path / "x.h5"))


def test_long_texts_and_what_cannot_be_written():
    tree = hdf5.Group()
    tree.attributes["config"] = "x" * 300_000
    tree.attributes["names"] = [f"layer_{i}" for i in range(4000)]
    same(tree, hdf5.loads(dumps(tree)))
    for value, problem in [
        (["x"] * 5000, "64 kB"),
        (np.zeros(3, "c8"), "complex64"),
    ]:
        bad = hdf5.Group()
        bad.attributes["a"] = value
        with pytest.raises(hdf5.Hdf5Error, match=problem):
            dumps(bad)
    bad = hdf5.Group()
    bad.attributes.update({str(i): [f"{i} {j}" for j in range(3500)] for i in range(20)})
    with pytest.raises(hdf5.Hdf5Error, match="too many"):
        dumps(bad)
    for name, array in [("", np.zeros(2)), ("a", np.array(["x"])), ("a\0b", np.zeros(2))]:
        bad = hdf5.Group()
        bad.members[name] = array
        with pytest.raises(hdf5.Hdf5Error):
            dumps(bad)


def test_the_tree():
    tree = hdf5.Group()
    tree["a/b/c"] = np.arange(3)
    tree["a/d"] = np.arange(2)
    assert "a/b/c" in tree and "a/x" not in tree and tree.find("a/b/c/d") is None
    assert [path for path, _ in tree.arrays()] == ["a/b/c", "a/d"]
    with pytest.raises(KeyError):
        tree["a/x"]
    with pytest.raises(hdf5.Hdf5Error, match="is an array"):
        tree["a/d/e"] = np.arange(2)


def test_damaged_files():
    tree = hdf5.Group()
    tree["a/b"] = np.arange(6.0)
    tree["a"].attributes["text"] = "text"
    data = dumps(tree)
    for cut in (0, 7, 50, 95, 200, len(data) // 2, len(data) - 8):
        with pytest.raises(hdf5.Hdf5Error):
            hdf5.loads(data[:cut])
    with pytest.raises(hdf5.Hdf5Error, match="no HDF5"):
        hdf5.loads(b"x" * 200)
    with pytest.raises(hdf5.Hdf5Error, match="nested"):
        deep = hdf5.Group()
        deep["/".join("x" * 70)] = np.arange(2)
        hdf5.loads(dumps(deep))


class FakeGroup(dict):
    """As much of an h5py group as `repack` looks at."""

    name = ""

    def __init__(self, members, attributes=(), link="hard"):
        super().__init__(members)
        self.attrs, self.link = dict(attributes), link

    def get(self, name, getlink=False, getclass=False):
        return self.link

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class FakeArray:
    external = None

    def __init__(self, value):
        self.value = value

    def __getitem__(self, key):
        return self.value


def test_repack(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"minikeras\[h5\]"):
        saving.repack("a.h5", "b.h5")
    attributes = {"a": b"text", "b": np.array([b"x", b"y"]), "c": np.array(["p"], object), "d": 3}
    root = FakeGroup({"x": FakeArray(np.arange(3)), "g": FakeGroup({}, attributes)})
    module = types.SimpleNamespace(File=lambda *_: root, Group=FakeGroup, HardLink="hard")
    monkeypatch.setitem(sys.modules, "h5py", module)
    saving.repack("a.h5", tmp_path / "b.h5")
    tree = hdf5.load(tmp_path / "b.h5")
    np.testing.assert_array_equal(tree["x"], [0, 1, 2])
    found = tree["g"].attributes
    assert found["a"] == "text" and found["b"] == ["x", "y"] and found["c"] == ["p"] and found["d"] == 3
    root.link = "soft"
    with pytest.raises(hdf5.Hdf5Error, match="links"):
        saving.repack("a.h5", tmp_path / "b.h5")


def test_the_module_is_as_small_as_it_says():
    """Others are to copy it: under 500 lines, and nothing of this package but names for annotations."""
    files = sorted(Path(hdf5.__file__).parent.glob("*.py"))
    texts = [f.read_text() for f in files]
    assert sum(len(t.splitlines()) for t in texts) < 500
    modules = {line.split()[1] for t in texts for line in t.splitlines() if line.startswith("from minikeras")}
    assert {m for m in modules if not m.startswith("minikeras.saving.hdf5.")} == {"minikeras.typing"}
