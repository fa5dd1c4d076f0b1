"""The polynomial P of erf(x) = tanh(x P(x²)) on [0, 4], as it stands in minikeras/activations/_erf.py.

    python tests/golden/fit_erf.py

prints its coefficients, the highest power first, and the greatest relative error of erf. Least squares, with
weights that grow where the error is large (C. L. Lawson, 1961), come close to the smallest such error.
"""

from __future__ import annotations

import math

import numpy as np

DEGREE, END, ROUNDS = 6, 4.0, 200


def fit() -> tuple[np.ndarray, float]:
    """Coefficients, the lowest power first, and the error."""
    x = END * (0.5 - 0.5 * np.cos(np.pi * (np.arange(4000) + 0.5) / 4000))
    x = x[x > 1e-3]
    erf, erfc = (np.array([f(v) for v in x]) for f in (math.erf, math.erfc))
    wanted = 0.5 * (np.log1p(erf) - np.log(erfc)) / x  # atanh(erf x) / x
    slope = x * erfc * (1 + erf) / erf  # how far erf, relatively, follows P
    powers = np.polynomial.chebyshev.chebvander(2 * x * x / END**2 - 1, DEGREE)
    weights, best, least = np.ones_like(x), np.zeros(DEGREE + 1), math.inf
    for _ in range(ROUNDS):
        scale = np.sqrt(weights) * slope
        found = np.linalg.lstsq(powers * scale[:, None], wanted * scale, rcond=None)[0]
        error = np.abs(np.tanh(x * (powers @ found)) - erf) / erf
        if error.max() < least:
            best, least = found, error.max()
        weights *= error + 1e-16
        weights /= weights.sum()
    series = np.polynomial.Chebyshev(best, domain=[0, END**2])
    return series.convert(kind=np.polynomial.Polynomial).coef, least


if __name__ == "__main__":
    coefficients, error = fit()
    print(", ".join(f"{c:.9g}" for c in coefficients[::-1]))
    print(f"error {error:.2g}")
