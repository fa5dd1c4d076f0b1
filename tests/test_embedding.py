"""The gradient of a table of which rows are taken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikeras import layers
from minikeras.context import Context


def check_gradient(rows, ids, width):
    layer = layers.Embedding(rows, width, dtype="float64")
    x = np.array(ids, int)[None]
    layer.ensure_built(x.shape)
    ctx = Context(training=True)
    dy = np.random.default_rng(0).normal(size=layer.run_forward(x, ctx).shape)
    layer.run_backward(dy, ctx)
    expected = np.zeros((rows, width))
    for i, row in zip(ids, dy[0], strict=True):
        expected[i] += row
    np.testing.assert_allclose(ctx.grad(layer.embeddings), expected, atol=1e-12)


@given(
    ids=st.lists(st.integers(0, 6), max_size=60),
    width=st.integers(1, 3),
)
def test_gradients_of_ids_that_come_any_number_of_times(ids, width):
    check_gradient(7, ids, width)


RNG = np.random.default_rng(1)
IDS = {
    "a table of more than 16 bits": RNG.integers(0, 70_000, 300),
    "rows that differ only above 16 bits": np.array([5, 65_541, 5, 131_077, 65_541, 5]),
    "padding and words": RNG.permutation(np.concatenate([np.zeros(300, int), RNG.integers(0, 400, 200)])),
    "few rows, each of them often": RNG.integers(0, 3, 500),
    "some tens of rows, each some tens of times": RNG.integers(0, 40, 1200),
    "nothing twice": RNG.permutation(50),
}


@pytest.mark.parametrize("name", IDS)
def test_gradients_of_rows_taken_seldom_and_often(name):
    check_gradient(int(IDS[name].max()) + 1, IDS[name], 4)
