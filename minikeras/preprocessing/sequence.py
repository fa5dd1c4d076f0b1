"""Sequences of different lengths, made into one array."""

from minikeras.utils import pad_sequences

__all__ = ["pad_sequences"]
