"""The functions that an exported Python file is put together from: plain NumPy, for reading.

Their source text is copied, so they use nothing but `np`, `Array` and each other, and each does what
the layer or the activation of its name does outside of training. Arrays are (batch, ..., channels).
"""
