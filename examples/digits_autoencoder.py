"""A convolutional autoencoder: it squeezes handwritten digits into 16 numbers and paints them again.

    python examples/digits_autoencoder.py [--quick] [--epochs 100] [--batch-size 32] [--seed 0]

The digits (8x8 pixels) come with the package. The network is never told what they mean; its target is
its own input. Its error is measured against the mean image, and against the best linear code of 16
numbers (principal components).
"""

import argparse

import numpy as np

from minikeras.datasets import digits
from minikeras.layers import Conv2D, Input, MaxPooling2D, UpSampling2D
from minikeras.models import Sequential
from minikeras.optimizers import Adam
from minikeras.utils import set_random_seed

INK = " .:-=+*#%@"


def load():
    """Images with one channel of numbers between 0 and 1."""
    (x_train, _), (x_test, _) = digits.load_data()
    return x_train[..., None].astype("float32") / 16, x_test[..., None].astype("float32") / 16


def build():
    """The network: two halvings on the way in, two doublings on the way out."""
    return Sequential(
        [
            Input((8, 8, 1)),
            Conv2D(32, 3, padding="same", activation="relu"),
            MaxPooling2D(2),  # (4, 4, 32)
            Conv2D(32, 3, padding="same", activation="relu"),
            MaxPooling2D(2),  # (2, 2, 32)
            Conv2D(4, 2, padding="same", name="code"),  # (2, 2, 4): the 16 numbers
            Conv2D(32, 2, padding="same", activation="relu"),
            UpSampling2D(2),  # (4, 4, 32)
            Conv2D(32, 3, padding="same", activation="relu"),
            UpSampling2D(2),  # (8, 8, 32)
            Conv2D(1, 3, padding="same", activation="sigmoid"),
        ]
    )


def principal_components(x_train, x_test, count):
    """The test images, as well as `count` numbers for each can say with a linear code."""
    mean = x_train.mean(axis=0)
    rows = (x_train - mean).reshape(len(x_train), -1)
    directions = np.linalg.svd(rows, full_matrices=False)[2][:count]  # (count, pixels)
    codes = (x_test - mean).reshape(len(x_test), -1) @ directions.T
    return mean + (codes @ directions).reshape(x_test.shape)


def draw(images):
    """Images side by side, as text."""
    shades = (np.clip(images[..., 0], 0, 1) * (len(INK) - 1)).round().astype(int)  # (images, 8, 8)
    return "\n".join(
        "   ".join("".join(INK[shade] * 2 for shade in image[row]) for image in shades) for row in range(8)
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="6 epochs, a few seconds")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same result")
    options = parser.parse_args()

    set_random_seed(options.seed)
    x_train, x_test = load()
    model = build()
    model.summary()
    model.compile(optimizer=Adam(0.002), loss="mse")
    model.fit(
        x_train,
        x_train,
        batch_size=options.batch_size,
        epochs=6 if options.quick else options.epochs,
        validation_data=(x_test, x_test),
    )
    painted = model.predict(x_test, verbose=0)
    print(draw(x_test[:4]), draw(painted[:4]), sep="\n\n")
    linear = principal_components(x_train, x_test, 16)
    print(f"Error of the mean image: {np.mean((x_test - x_train.mean(axis=0)) ** 2):.4f}")
    print(f"Error of 16 principal components: {np.mean((x_test - linear) ** 2):.4f}")
    print(f"Error of the network: {np.mean((x_test - painted) ** 2):.4f}")


if __name__ == "__main__":
    main()
