"""HDF5 files in the form that Keras gives them, read and written with NumPy alone.

An HDF5 file is a tree: a group holds groups and arrays by name, and both can have attributes. Here
the tree is a `Group`, to be filled and looked at like a nested dict:

    tree = Group()
    tree["layers/dense/vars/0"] = np.ones((4, 3), "float32")  # the groups on the way are made
    tree["layers/dense"].attributes["name"] = "dense"
    save("weights.h5", tree)
    load("weights.h5")["layers/dense/vars/0"]                 # a read-only view of the file's bytes

Written is what every HDF5 reader reads; read is that, and nothing that needs more: the rest is refused
with an `Hdf5Error`. docs/hdf5.md tells what is in such a file, byte for byte, and how to use this elsewhere.
"""

from minikeras.saving.hdf5.reader import load, loads
from minikeras.saving.hdf5.tree import SIGNATURE, Group, Hdf5Error
from minikeras.saving.hdf5.writer import chunks, save

__all__ = ["SIGNATURE", "Group", "Hdf5Error", "chunks", "load", "loads", "save"]
