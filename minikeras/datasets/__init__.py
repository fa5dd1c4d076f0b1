"""Data sets to try things out with: `digits` comes with the package, `mnist` is downloaded once."""

from minikeras.datasets import digits, mnist

__all__ = ["digits", "mnist"]
