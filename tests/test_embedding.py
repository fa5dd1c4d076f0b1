"""The gradient of a table of which rows are taken."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minikeras import layers
from minikeras.context import Context


@given(
    ids=st.lists(st.integers(0, 6), max_size=60),
    width=st.integers(1, 3),
)
def test_gradients_of_ids_that_come_any_number_of_times(ids, width):
    layer = layers.Embedding(7, width, dtype="float64")
    x = np.array(ids, int)[None]
    layer.ensure_built(x.shape)
    ctx = Context(training=True)
    dy = np.random.default_rng(0).normal(size=layer.run_forward(x, ctx).shape)
    layer.run_backward(dy, ctx)
    expected = np.zeros((7, width))
    for i, row in zip(ids, dy[0], strict=True):
        expected[i] += row
    np.testing.assert_allclose(ctx.grad(layer.embeddings), expected, atol=1e-12)
