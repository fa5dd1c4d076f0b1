"""HDF5 files in the form that Keras gives them, read and written with NumPy alone.

An HDF5 file is a tree: a group holds groups and arrays by name, and both can have attributes. Here
the tree is a `Group`, to be filled and looked at like a nested dict:

    tree = Group()
    tree["layers/dense/vars/0"] = np.ones((4, 3), "float32")  # the groups on the way are made
    tree["layers/dense"].attributes["name"] = "dense"
    save("weights.h5", tree)
    load("weights.h5")["layers/dense/vars/0"]                 # a read-only view of the file's bytes

Written is what the HDF5 library itself writes by default (superblock 0, symbol tables, contiguous
data, variable-length strings), so every HDF5 reader reads it. Read is that, and nothing that needs
more: chunks, compression, links and data in other files are refused with an `Hdf5Error`;
`minikeras.saving.repack` makes plain files of chunked and compressed ones, with the help of h5py.

A file from a stranger can do no harm: every access is checked against the file's size, every
structure may be met only once, and the arrays of a file together are no larger than the file.
"""

from minikeras.saving.hdf5.reader import load, loads
from minikeras.saving.hdf5.tree import SIGNATURE, Group, Hdf5Error
from minikeras.saving.hdf5.writer import chunks, save

__all__ = ["SIGNATURE", "Group", "Hdf5Error", "chunks", "load", "loads", "save"]
