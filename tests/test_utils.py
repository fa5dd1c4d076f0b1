"""Helpers around training: arrays, data sets, seeds, custom objects, files."""

import functools
import hashlib
import http.server
import io
import itertools
import os
import random
import subprocess
import sys
import tarfile
import threading
import zipfile
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikeras import naming, utils
from minikeras.random import default_generator
from minikeras.utils import files

# Labels and norms


def test_to_categorical_like_keras():
    one_hot = utils.to_categorical([0, 2])
    assert one_hot.dtype == np.float64
    np.testing.assert_array_equal(one_hot, [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(utils.to_categorical([[0], [1]]), [[1, 0], [0, 1]])
    np.testing.assert_array_equal(utils.to_categorical(3), [0, 0, 0, 1])
    np.testing.assert_array_equal(utils.to_categorical([0.9, 1.2]), [[1, 0], [0, 1]])
    assert utils.to_categorical([[0, 1], [1, 2]], 4).shape == (2, 2, 4)
    assert utils.to_categorical([], 3).shape == (0, 3)


@given(st.lists(st.integers(0, 6), min_size=1), st.integers(7, 9))
def test_to_categorical_is_undone_by_argmax(labels, classes):
    one_hot = utils.to_categorical(labels, classes)
    assert one_hot.shape == (len(labels), classes)
    np.testing.assert_array_equal(one_hot.sum(-1), 1)
    np.testing.assert_array_equal(one_hot.argmax(-1), labels)


@pytest.mark.parametrize(("labels", "classes"), [([0, 5], 2), ([-1, 1], None), ([2], 2)])
def test_to_categorical_refuses_classes_out_of_range(labels, classes):
    with pytest.raises(ValueError, match="whole numbers from 0 to"):
        utils.to_categorical(labels, classes)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", [1, 2, np.inf])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_normalize_makes_the_norm_one(axis, order, dtype):
    x = (np.arange(12).reshape(3, 4) - 5).astype(dtype)
    x[0] = 0
    before = x.copy()
    y = utils.normalize(x, axis, order)
    assert y.dtype == dtype
    np.testing.assert_array_equal(x, before)
    norms = np.linalg.norm(y, order, axis)
    np.testing.assert_allclose(norms, np.where(np.linalg.norm(x, order, axis) == 0, 0, 1), rtol=1e-6)


def test_normalize_makes_a_row_of_a_vector():
    np.testing.assert_allclose(utils.normalize(np.array([3.0, 4.0])), [[0.6, 0.8]])


# Sequences


def test_pad_sequences_like_keras():
    pad = utils.pad_sequences
    assert pad([[1, 2, 3], [4], []]).tolist() == [[1, 2, 3], [0, 0, 4], [0, 0, 0]]
    assert pad([[1, 2, 3], [4], []]).dtype == np.int32
    assert pad([[1, 2, 3], [4]], maxlen=2).tolist() == [[2, 3], [0, 4]]
    assert pad([[1, 2, 3], [4]], maxlen=2, padding="post", truncating="post", value=9).tolist() == [
        [1, 2],
        [4, 9],
    ]
    nested = pad([[[1, 2], [3, 4]], [[5, 6]]], padding="post", dtype="float32")
    assert nested.tolist() == [[[1, 2], [3, 4]], [[5, 6], [0, 0]]] and nested.dtype == np.float32
    assert pad([["a", "b"], ["c"]], dtype=object, value="x").tolist() == [["a", "b"], ["x", "c"]]
    assert pad([], maxlen=3).shape == (0, 3) and pad([]).shape == (0, 0)
    assert pad([[1]], maxlen=0).shape == (1, 0)


sides = st.sampled_from(["pre", "post"])


@given(st.lists(st.lists(st.integers(1, 99), max_size=8), min_size=1), st.integers(0, 10), sides, sides)
def test_pad_sequences_row_by_row(sequences, maxlen, padding, truncating):
    padded = utils.pad_sequences(sequences, maxlen, padding=padding, truncating=truncating)
    for row, sequence in zip(padded.tolist(), sequences, strict=True):
        kept = (
            sequence[:maxlen]
            if truncating == "post"
            else sequence[len(sequence) - min(maxlen, len(sequence)) :]
        )
        zeros = [0] * (maxlen - len(kept))
        assert row == (kept + zeros if padding == "post" else zeros + kept)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequences": [1, 2]}, "at position 0: 1"),
        ({"sequences": 5}, "list of sequences"),
        ({"sequences": [[1]], "padding": "nope"}, "`padding` must be one of"),
        ({"sequences": [[1]], "truncating": "front"}, "`truncating` must be one of"),
        ({"sequences": [["a"]], "value": "x"}, "dtype=object"),
        ({"sequences": [[[1, 2]], [[1]]]}, "at position 1"),
    ],
)
def test_pad_sequences_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.pad_sequences(**arguments)


# Seeds and names


def test_one_seed_seeds_everything():
    def draw():
        return (
            random.random(),
            np.random.rand(),
            default_generator.draw_seed(),
            *default_generator.permutation(9),
        )

    utils.set_random_seed(42)
    first = draw()
    assert draw() != first
    utils.set_random_seed(42)
    assert draw() == first


@pytest.mark.parametrize("seed", [1.0, "1", None, True, -1, 2**32])
def test_a_bad_seed_seeds_nothing(seed):
    utils.set_random_seed(1)
    before = random.getstate(), default_generator.get_state()[0]
    with pytest.raises(ValueError, match="Expected `seed` argument to be an integer"):
        utils.set_random_seed(seed)
    assert (random.getstate(), default_generator.get_state()[0]) == before


def test_clear_session_counts_names_from_the_start():
    utils.clear_session()
    assert [naming.auto_name("Dense"), naming.auto_name("Dense")] == ["dense", "dense_1"]
    utils.clear_session(free_memory=False)
    assert naming.auto_name("Dense") == "dense"


# Batches


class Numbers(utils.PyDataset):
    def __init__(self, n):  # does not call the base class's constructor
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return np.full((2, 1), index), np.full((2, 1), -index)


def test_a_data_set_of_python_code():
    data = Numbers(3)
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (1, False, 10)
    assert data.num_batches == 3
    assert [int(x[0, 0]) for x, _ in data] == [0, 1, 2]
    assert data.on_epoch_begin() is None and data.on_epoch_end() is None
    assert utils.Sequence is utils.PyDataset


def test_an_endless_data_set():
    class Endless(Numbers):
        num_batches = None

    first = [int(x[0, 0]) for x, _ in itertools.islice(Endless(0), 5)]
    assert first == [0, 1, 2, 3, 4]


def test_a_data_set_says_what_it_lacks():
    data = utils.PyDataset(workers=2, use_multiprocessing=True, max_queue_size=3)
    assert (data.workers, data.use_multiprocessing, data.max_queue_size) == (2, True, 3)
    with pytest.raises(NotImplementedError, match="__len__"):
        _ = data.num_batches
    with pytest.raises(NotImplementedError, match="__getitem__"):
        data[0]


def test_batches_are_packed_and_unpacked():
    pack, unpack = utils.pack_x_y_sample_weight, utils.unpack_x_y_sample_weight
    assert (pack(1), pack([1]), pack(1, 2), pack(1, 2, 3)) == (1, ([1],), (1, 2), (1, 2, 3))
    assert unpack(1) == unpack((1,)) == (1, None, None)
    assert unpack([1, 2]) == (1, 2, None) and unpack((1, 2, 3)) == (1, 2, 3)
    for bad in ((), (1, 2, 3, 4)):
        with pytest.raises(ValueError, match="A batch must be"):
            unpack(bad)


# Custom objects


class Doubler:
    def __init__(self, factor=2):
        self.factor = factor

    def get_config(self):
        return {"factor": self.factor}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def test_custom_objects_are_found_by_their_registered_names():
    registered = utils.get_custom_objects()
    try:
        cls = utils.register_keras_serializable("shop", name="Twice")(Doubler)
        assert cls is Doubler and registered["shop>Twice"] is Doubler
        assert utils.get_registered_name(Doubler) == "shop>Twice"
        assert utils.get_registered_object("shop>Twice") is Doubler
        config = utils.serialize_keras_object(Doubler(5))
        assert config["registered_name"] == "shop>Twice" and config["config"] == {"factor": 5}
        assert utils.deserialize_keras_object(config).factor == 5
    finally:
        registered.pop("shop>Twice", None)
    assert utils.get_registered_object("shop>Twice") is None
    assert utils.get_registered_object("a", {"a": 1}, {"a": 2}) == 1
    assert utils.get_registered_object("a", None, {"a": 2}) == 2


def test_a_scope_ends_even_after_an_error():
    with pytest.raises(KeyError, match="inside"), utils.CustomObjectScope({"Mine": Doubler}):
        assert utils.get_registered_object("Mine") is Doubler
        raise KeyError("inside")
    assert utils.get_registered_object("Mine") is None
    with utils.custom_object_scope(custom_objects={"Mine": 1}), utils.custom_object_scope({"Mine": 2}):
        assert utils.get_registered_object("Mine") == 2


def test_custom_objects_of_one_call():
    config = {"class_name": "Mine", "config": {"factor": 7}}
    assert utils.deserialize_keras_object(config, custom_objects={"Mine": Doubler}).factor == 7
    with pytest.raises(ValueError, match="Unknown class 'Mine'"):
        utils.deserialize_keras_object(config)


# Files


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; /short breaks off in the middle; counts what it was asked for."""

    requests: ClassVar[list[str]] = []

    def do_GET(self):
        self.requests.append(self.path)
        if self.path != "/short":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"only this")

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    """The URL of a local server, and the folder that it serves."""
    root = tmp_path / "served"
    root.mkdir()
    Handler.requests = []
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=root)
    ) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}", root
        httpd.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache of its own, and no proxy between here and the local server."""
    folder = tmp_path / "home"
    monkeypatch.setenv("MINIKERAS_HOME", str(folder))
    monkeypatch.setenv("no_proxy", "*")
    return folder


def test_the_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert files.cache_home() == str(tmp_path / "home")
    monkeypatch.delenv("MINIKERAS_HOME")
    assert files.cache_home() == str(tmp_path / "keras")
    monkeypatch.delenv("KERAS_HOME")
    assert files.cache_home() == os.path.join(os.path.expanduser("~"), ".keras")


def test_a_file_is_fetched_once(server, home, capsys):
    url, root = server
    (root / "a.txt").write_bytes(b"hello" * 50000)
    path = utils.get_file(origin=f"{url}/a.txt?version=1")
    assert path == str(home / "datasets" / "a.txt")
    assert utils.get_file("a.txt", f"{url}/a.txt") == path
    assert Handler.requests == ["/a.txt?version=1"]
    out = capsys.readouterr().out
    assert (
        out.startswith(f"Downloading data from {url}/a.txt") and "250000/250000" in out and "\x1b" not in out
    )
    (root / "a.txt").write_bytes(b"new")
    utils.get_file("a.txt", f"{url}/a.txt", force_download=True)
    assert (home / "datasets" / "a.txt").read_bytes() == b"new"
    assert os.listdir(home / "datasets") == ["a.txt"]
    if os.name == "posix":  # readable by others, as any new file is
        other = home / "other"
        other.touch()
        assert os.stat(path).st_mode == os.stat(other).st_mode


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
@pytest.mark.parametrize("named", [True, False])
def test_hashes_are_checked(server, home, algorithm, named):
    url, root = server
    (root / "a").write_bytes(b"right")
    digest = hashlib.new(algorithm, b"right").hexdigest()
    kwargs = {"hash_algorithm": algorithm} if named else {}
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "a").write_bytes(b"outdated")
    path = utils.get_file("a", f"{url}/a", file_hash=digest.upper(), **kwargs)
    with open(path, "rb") as file:
        assert file.read() == b"right"
    utils.get_file("a", f"{url}/a", file_hash=digest, **kwargs)
    assert len(Handler.requests) == 1

    (root / "a").write_bytes(b"wrong")
    with pytest.raises(ValueError, match="Incomplete or corrupted file"):
        utils.get_file("b", f"{url}/a", file_hash=digest, **kwargs)
    assert os.listdir(home / "datasets") == ["a"]


def test_md5_hash_is_an_old_spelling(server):
    url, root = server
    (root / "a").write_bytes(b"right")
    utils.get_file("a", f"{url}/a", md5_hash=hashlib.md5(b"right").hexdigest())
    with pytest.raises(ValueError, match="md5"):
        utils.get_file("b", f"{url}/a", md5_hash="0" * 32)
    with pytest.raises(ValueError, match="hash_algorithm"):
        utils.get_file("c", f"{url}/a", file_hash="0", hash_algorithm="crc")


@pytest.mark.parametrize("page", ["missing", "short"])
def test_a_failed_download_leaves_nothing_behind(server, home, page):
    url, _ = server
    with pytest.raises(OSError, match=f"URL fetch failure on {url}/{page}.*\n.*put it at .*{page}"):
        utils.get_file(page, f"{url}/{page}")
    assert os.listdir(home / "datasets") == []


def test_without_a_connection_the_old_file_stays(home):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "a").write_bytes(b"old")
    with pytest.raises(OSError, match="URL fetch failure"):
        utils.get_file("a", "http://127.0.0.1:9/a", force_download=True)
    assert (home / "datasets" / "a").read_bytes() == b"old"


def test_file_urls_and_other_folders(tmp_path):
    source = tmp_path / "source.bin"
    source.write_bytes(b"x")
    path = utils.get_file(origin=source.as_uri(), cache_dir=tmp_path / "cache", cache_subdir="sub")
    assert path == str(tmp_path / "cache" / "sub" / "source.bin")
    path = utils.get_file(origin=source.as_uri(), cache_subdir=str(tmp_path / "absolute"))
    assert path == str(tmp_path / "absolute" / "source.bin")


def test_several_threads_may_want_the_same_file(server, home):
    url, root = server
    (root / "a").write_bytes(bytes(300_000))
    sizes, errors = [], []

    def fetch():
        try:
            sizes.append(os.path.getsize(utils.get_file("a", f"{url}/a")))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and sizes == [300_000] * 6
    assert os.listdir(home / "datasets") == ["a"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, '"origin"'),
        ({"origin": "http://127.0.0.1:9/"}, "specify the `fname`"),
        ({"fname": f"a{os.sep}b", "origin": "http://127.0.0.1:9/a"}, "not a path"),
        ({"fname": "..", "origin": "http://127.0.0.1:9/a"}, "not a path"),
    ],
)
def test_get_file_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.get_file(**arguments)


# Archives


def make_tar(path, members):
    """A tar of {name: bytes, or (type, link target)}."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if name.endswith("/"):
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            elif isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)


def make_zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_archives_are_unpacked_under_keras_names(make, tmp_path, home):
    source = tmp_path / "flowers.tgz"
    members = {"top.txt": b"1", "deep/er/file": b"2"}
    make(source, {"./": b"", "empty/": b"", **members})
    folder = home / "datasets"
    for fname, contents, archive in (
        (None, "flowers.tgz", "flowers.tgz_archive"),
        ("set", "set", "set_archive"),
        ("set.tar.gz", "set_extracted", "set.tar.gz"),
    ):
        path = utils.get_file(fname, source.as_uri(), extract=True)
        assert path == str(folder / contents) and (folder / archive).is_file()
        assert tree(folder / contents) == members and (folder / contents / "empty").is_dir()
    make(source, {"other": b"3"})
    assert utils.get_file("set", source.as_uri(), extract=True) == str(folder / "set")
    assert tree(folder / "set") == members  # cached
    utils.get_file("set", source.as_uri(), extract=True, force_download=True)
    assert tree(folder / "set") == {"other": b"3"}  # replaced as a whole
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


@pytest.mark.parametrize("make", [make_tar, make_zip])
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/minikeras-evil", "../contents-evil/x"])
def test_no_archive_can_write_outside_its_folder(make, name, tmp_path, home):
    source = tmp_path / "evil.bin"
    make(source, {"harmless": b"1", name: b"2"})
    before = set(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="outside its folder"):
        utils.get_file("evil", source.as_uri(), extract=True)
    new = {p.name for p in set(tmp_path.rglob("*")) - before}
    assert new == {"home", "datasets", "evil_archive"} and not os.path.exists("/tmp/minikeras-evil")


def test_links_become_copies_and_lead_nowhere_else(tmp_path, home):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    source = tmp_path / "links.tar"
    make_tar(source, {"a": b"1", "soft": (tarfile.SYMTYPE, "a"), "hard": (tarfile.LNKTYPE, "a")})
    assert tree(home / "datasets" / "x") == {}
    utils.get_file("x", source.as_uri(), untar=True)
    assert tree(home / "datasets" / "x") == {"a": b"1", "soft": b"1", "hard": b"1"}
    assert not any(p.is_symlink() for p in (home / "datasets" / "x").iterdir())

    for target in (str(secret), "../../../secret", "loop"):
        make_tar(source, {"loop": (tarfile.SYMTYPE, target)})
        with pytest.raises(ValueError, match="points to nothing"):
            utils.get_file("y", source.as_uri(), untar=True, force_download=True)
    make_tar(source, {"link": (tarfile.SYMTYPE, ".."), "link/evil": b"2", "pipe": (tarfile.FIFOTYPE, "")})
    with pytest.raises(ValueError, match="points to nothing"):
        utils.get_file("z", source.as_uri(), untar=True)


def test_what_is_no_archive_is_refused(tmp_path):
    source = tmp_path / "text"
    source.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="no archive"):
        utils.get_file("text", source.as_uri(), extract=True)
    with pytest.raises(ValueError, match="archive_format"):
        utils.get_file("text", source.as_uri(), extract=True, archive_format="rar")
    make_zip(source, {"a": b"1"})
    with pytest.raises(ValueError, match="no archive of the format 'tar'"):
        utils.get_file("zipped", source.as_uri(), extract=True, archive_format="tar")


def test_importing_the_helpers_loads_no_network_and_no_compression():
    code = (
        "import sys, numpy, numpy.random, numpy.typing; before = set(sys.modules); "
        "import minikeras.utils, minikeras.callbacks, minikeras.datasets; "
        "print(*sorted(m for m in set(sys.modules) - before if not m.startswith('minikeras')))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"zipfile", "tarfile", "http.client", "urllib.request", "csv", "tempfile", "logging"} & set(
        out.split()
    )
