"""A recurrent network that foretells a chaotic series, from what it was to what it will be.

    python examples/forecast_gru.py [--quick] [--epochs 15] [--ahead 10] [--seed 0]

The series is that of M. Mackey and L. Glass, "Oscillation and Chaos in Physiological Control Systems",
Science 197, 1977: blood cells are made according to how many there were 17 days ago. The forecast is
measured against two simple ones: that nothing changes, and the best straight (linear) formula.
"""

import argparse

import numpy as np

from minikeras.layers import GRU, Dense, Input
from minikeras.models import Sequential
from minikeras.optimizers import Adam
from minikeras.utils import set_random_seed

DELAY = 17


def mackey_glass(days, steps_a_day=10):
    """dx/dt = 0.2 x(t - 17) / (1 + x(t - 17)¹⁰) - 0.1 x(t), one value a day, after it has settled."""
    settled, lag = 300, DELAY * steps_a_day
    x = np.full(lag + (settled + days) * steps_a_day, 1.2)
    for t in range(lag, len(x)):
        past = x[t - lag]
        x[t] = x[t - 1] + (0.2 * past / (1 + past**10) - 0.1 * x[t - 1]) / steps_a_day
    return x[lag + settled * steps_a_day :: steps_a_day].astype("float32")


def windows(series, length, ahead):
    """Stretches of `length` days, and the value `ahead` days after the end of each."""
    x = np.lib.stride_tricks.sliding_window_view(series, length)[:-ahead]
    return x[..., None], series[length + ahead - 1 :]  # (stretches, length, 1), (stretches,)


def error(y, forecast):
    """The root of the mean squared error, in standard deviations: 1 is no better than the mean."""
    return np.sqrt(np.mean((y - forecast) ** 2)) / np.std(y)


def linear_forecast(x_train, y_train, x_test):
    """Least squares on the values of the stretch."""

    def rows(x):
        return np.column_stack([x[..., 0], np.ones(len(x))])

    return rows(x_test) @ np.linalg.lstsq(rows(x_train), y_train, rcond=None)[0]


def build():
    """The network: 32 numbers of memory, one forecast."""
    return Sequential([Input((None, 1)), GRU(32), Dense(1)])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a short series, a few seconds")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--ahead", type=int, default=10, help="how many days ahead")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same result")
    options = parser.parse_args()

    set_random_seed(options.seed)
    series = mackey_glass(2000 if options.quick else 6000)
    series = (series - series.mean()) / series.std()
    x, y = windows(series, length=30, ahead=options.ahead)
    n = len(x) * 4 // 5  # the past is for training, the future for testing
    x_train, y_train, x_test, y_test = x[:n], y[:n], x[n:], y[n:]

    model = build()
    model.summary()
    model.compile(optimizer=Adam(0.005), loss="mse")
    model.fit(x_train, y_train, batch_size=32, epochs=options.epochs, validation_data=(x_test, y_test))
    print(f"Error if nothing changed: {error(y_test, x_test[:, -1, 0]):.4f}")
    print(f"Error of the linear formula: {error(y_test, linear_forecast(x_train, y_train, x_test)):.4f}")
    print(f"Error of the network: {error(y_test, model.predict(x_test, verbose=0)[:, 0]):.4f}")


if __name__ == "__main__":
    main()
