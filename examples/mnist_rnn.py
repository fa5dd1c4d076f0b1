"""A recurrent network for handwritten digits: it reads an image row by row, from top to bottom.

    python examples/mnist_rnn.py [--epochs 20] [--batch-size 128] [--dataset mnist] [--seed 0]

It learns MNIST to about 97 % of the test digits in 20 epochs. Where MNIST cannot be had it takes
the small 8x8 digits that come with the package.
"""

import argparse

from minikeras.datasets import digits, mnist
from minikeras.layers import Dense, Input, SimpleRNN
from minikeras.models import Sequential
from minikeras.optimizers import Adam
from minikeras.utils import set_random_seed


def load(dataset):
    """Images as sequences of rows of numbers between 0 and 1, and labels as integers."""
    if dataset == "mnist":
        try:
            (x_train, y_train), (x_test, y_test) = mnist.load_data()
        except OSError:
            print("MNIST is not here and cannot be downloaded: taking the built-in 8x8 digits instead.")
            dataset = "digits"
    if dataset == "digits":
        (x_train, y_train), (x_test, y_test) = digits.load_data()
    brightest = x_train.max()
    x_train = x_train.astype("float32") / brightest  # (images, rows, columns): 28 steps of 28 numbers
    x_test = x_test.astype("float32") / brightest
    return (x_train, y_train), (x_test, y_test)


def build(image):
    """The network: what it has seen of the image so far is in 128 numbers."""
    return Sequential([Input(image), SimpleRNN(128), Dense(10, activation="softmax")])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--dataset", choices=["mnist", "digits"], default="mnist")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same result")
    options = parser.parse_args()

    set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test) = load(options.dataset)
    model = build(x_train.shape[1:])
    model.summary()
    model.compile(optimizer=Adam(clipnorm=1.0), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        x_train,
        y_train,
        batch_size=options.batch_size,
        epochs=options.epochs,
        validation_data=(x_test, y_test),
    )
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"Test loss: {loss:.4f}")
    print(f"Test accuracy: {accuracy:.4f}")


if __name__ == "__main__":
    main()
