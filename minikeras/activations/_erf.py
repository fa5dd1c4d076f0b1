"""The error function, which NumPy has not: what gelu is made of."""

from __future__ import annotations

import numpy as np

from minikeras.numbers import clip, number
from minikeras.typing import Array

# W. J. Cody, "Rational Chebyshev approximations for the error function", 1969: near zero a
# quotient of polynomials in x², elsewhere 1 − e^(−x²) times a quotient of polynomials in x.
_NEAR = (
    (
        1.85777706184603153e-1,
        3.16112374387056560,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_FAR = (
    (
        2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
        2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
        3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
    ),
)  # fmt: skip


# In single precision erf(x) = tanh(x P(x²)) on [−4, 4], beyond which it is ±1. The polynomial P is fitted by
# tests/golden/fit_erf.py, so that the relative error of erf is nearly even: at most 1e-7, before rounding.
# Its first two terms are about those of the well-known approximation of gelu.
_SHORT = (
    1.41890565e-07, -5.66896943e-06, 8.76394862e-05, -6.19788489e-04,
    -1.91828267e-04, 1.02769055e-01, 1.12837927,
)  # fmt: skip

BLOCK = (
    32768  # elements: the numbers of one block and what is made of them take half a megabyte, or twice that
)


def erf(x: Array) -> Array:
    """The error function 2/√π ∫₀ˣ e^(−t²) dt, to about the precision of x's type (NumPy has none).

    The sixteen passes over the numbers, or fifty in double precision, are made a block at a time, so that
    they stay in the cache.
    """
    if x.dtype == np.float16:
        return erf(x.astype(np.float32)).astype(np.float16)
    compute = _erf if x.dtype == np.float64 else _short_erf
    flat = np.ascontiguousarray(x).reshape(-1)
    y = np.empty_like(flat)
    for start in range(0, flat.size, BLOCK):
        compute(flat[start : start + BLOCK], y[start : start + BLOCK])
    return y.reshape(x.shape)


def _short_erf(x: Array, out: Array) -> None:
    a = clip(x, number(-4, x.dtype), number(4, x.dtype))
    p = _polynomial(_SHORT, np.multiply(a, a, out=out))
    p *= a
    np.tanh(p, out=out)


def _erf(x: Array, out: Array) -> None:
    a = np.abs(x)
    np.minimum(a, number(6, a.dtype), out=a)  # erf(6) is 1 in double precision
    square = a * a
    far = _polynomial(_FAR[0], a)
    far /= _polynomial(_FAR[1], a)
    far *= np.exp(np.negative(square, out=out), out=out)
    np.subtract(number(1, a.dtype), far, out=far)
    np.copysign(far, x, out=out)
    np.minimum(square, number(0.25, a.dtype), out=square)
    near = _polynomial(_NEAR[0], square)
    near /= _polynomial(_NEAR[1], square)
    is_far = np.greater(a, number(0.5, a.dtype), out=far, casting="unsafe")  # 1 or 0: faster than a choice
    np.minimum(a, number(0.5, a.dtype), out=a)
    near *= np.copysign(a, x, out=a)
    near *= np.subtract(number(1, a.dtype), is_far, out=square)
    out *= is_far
    out += near


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """Horner's scheme; the highest power comes first."""
    first, *others = (number(c, x.dtype) for c in coefficients)
    y = np.multiply(x, first)
    for c in others[:-1]:
        y += c
        y *= x
    y += others[-1]
    return y
