"""Records small HDF5 files as the HDF5 library writes them; needs h5py. Result: hdf5.zip."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np


def plain(file):
    rng = np.random.default_rng(0)
    for name in ("f2", "f4", "f8", "i1", "i4", "i8", "u1", "u8", "?"):
        file[f"numbers/{name}"] = (rng.normal(size=(2, 3)) * 9).astype(name)
    file["scalar"] = np.float32(3.5)
    file["empty"] = np.zeros((0, 4), "f4")
    halves = (np.arange(6, dtype="f4").view("u4") >> 16).astype("u2").reshape(2, 3).view("V2")
    file["bfloat16"] = halves
    file["bfloat16"].attrs["dtype"] = "bfloat16"
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((3,))
    dataset = h5py.h5d.create(file.id, b"compact", h5py.h5t.STD_I32LE, space, compact)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(3, dtype="i4"))
    for i in range(40):
        file[f"many/{i}"] = np.int32(i)
    attributes = file.create_group("attributes").attrs
    attributes["text"] = "naïve"
    attributes["texts"] = ["a", "bc", "déf"]
    attributes["bytes"] = np.array([b"kernel:0", b"bias:0"])
    attributes["number"], attributes["numbers"] = 7, np.arange(3.0)
    attributes["nothing"], attributes["empty"] = "", np.zeros(0)


FEATURES = {
    "chunks": lambda f: f.create_dataset("x", data=np.zeros((8, 8)), chunks=(4, 4)),
    "compression": lambda f: f.create_dataset("x", data=np.zeros((8, 8)), compression="gzip"),
    "soft_link": lambda f: f.__setitem__("x", h5py.SoftLink("/y")),
    "external_link": lambda f: f.__setitem__("x", h5py.ExternalLink("other.h5", "/y")),
    "hard_link": lambda f: (f.__setitem__("y", np.zeros(3)), f.__setitem__("x", f["y"])),
    "complex": lambda f: f.__setitem__("x", np.zeros(3, "c8")),
    "strings": lambda f: f.__setitem__("x", np.array([b"ab"])),
    "named_type": lambda f: (f.__setitem__("t", np.dtype("f4")), f.create_dataset("x", (3,), dtype=f["t"])),
    "big_endian": lambda f: f.__setitem__("x", np.zeros(3, ">f4")),
    "table_of_strings": lambda f: f.attrs.__setitem__("x", np.array([[b"a"], [b"b"]])),
    "null": lambda f: f.__setitem__("x", h5py.Empty("f4")),
}


def make(fill, **options) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        fill(file)
    return buffer.getvalue()


def main() -> None:
    files = {"plain": make(plain), "latest": make(plain, libver="latest")}
    files |= {name: make(fill) for name, fill in FEATURES.items()}
    with zipfile.ZipFile(Path(__file__).parent / "hdf5.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
