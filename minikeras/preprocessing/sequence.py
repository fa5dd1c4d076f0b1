"""Sequences of one length."""

from minikeras.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
