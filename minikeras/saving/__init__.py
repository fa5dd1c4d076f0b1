"""Models as files: Keras' own formats, read and written with NumPy alone."""

from minikeras.saving.repack import repack

__all__ = ["repack"]
