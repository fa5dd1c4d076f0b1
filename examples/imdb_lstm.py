"""A recurrent network that reads film reviews word by word, and tells kind ones from unkind ones.

    python examples/imdb_lstm.py [--quick] [--epochs 4] [--batch-size 32] [--dataset imdb] [--seed 0]

The LSTM's memory keeps what has been said so far; the padding (word 0) is masked, so it does not
count. Where IMDB cannot be had it takes made-up reviews.
"""

import argparse

from reviews import load

from minikeras.layers import LSTM, Dense, Embedding, Input
from minikeras.models import Sequential
from minikeras.optimizers import Adam
from minikeras.utils import set_random_seed

WORDS = 5000  # the most frequent ones; the others all become one number
LENGTH = 80  # of a review: only its end is read


def build(length):
    """The network: words as vectors, 32 numbers of memory, one probability."""
    return Sequential(
        [
            Input((length,)),
            Embedding(WORDS, 32, mask_zero=True),  # (batch, length, 32)
            LSTM(32),  # (batch, 32)
            Dense(1, activation="sigmoid"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few made-up reviews, a few seconds")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--dataset", choices=["imdb", "made-up"], default="imdb")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same result")
    options = parser.parse_args()

    set_random_seed(options.seed)
    dataset, count = ("made-up", 3000) if options.quick else (options.dataset, 6000)
    (x_train, y_train), (x_test, y_test) = load(dataset, WORDS, LENGTH, count)
    model = build(x_train.shape[1])
    model.summary()
    model.compile(optimizer=Adam(0.005), loss="binary_crossentropy", metrics=["accuracy"])
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
