"""Makes plain HDF5 files of chunked and compressed ones; this alone needs h5py."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from minikeras.saving.hdf5 import Group, Hdf5Error, save


def repack(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Read any HDF5 file with h5py and write it in the plain form that `load` reads.

    Use it for files that you trust only: they are read by the HDF5 library.

    Raises:
        ImportError: without h5py.
        Hdf5Error: for links, for data in other files, and for what is neither number nor string.
    """
    try:
        import h5py  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ImportError('repack needs h5py: pip install "minikeras[h5]"') from None
    with h5py.File(source, "r") as file:
        tree = _copy(file, h5py)
    save(target, tree)


def _copy(group: Any, h5py: Any) -> Group:
    copied = Group()
    copied.attributes = {name: _plain(value) for name, value in group.attrs.items()}
    for name in group:
        member = group[name]
        if group.get(name, getlink=True, getclass=True) is not h5py.HardLink or getattr(
            member, "external", None
        ):
            raise Hdf5Error(f"{group.name}/{name}: links and data in other files are not copied.")
        copied.members[name] = (
            _copy(member, h5py) if isinstance(member, h5py.Group) else np.asarray(member[()])
        )
    return copied


def _plain(value: Any) -> Any:
    """An attribute with its strings as Python strings."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray) and value.dtype.kind in "SO":
        return [v.decode() if isinstance(v, bytes) else str(v) for v in value.tolist()]
    return value
