"""A convolutional network that tells kind film reviews from unkind ones.

    python examples/imdb_cnn.py [--quick] [--epochs 3] [--batch-size 32] [--dataset imdb] [--seed 0]

Each filter looks at three words in a row, such as "not very funny", and the pooling keeps the place
where it found most of what it looks for. Where IMDB cannot be had it takes made-up reviews.
"""

import argparse

from reviews import load

from minikeras.layers import Conv1D, Dense, Dropout, Embedding, GlobalMaxPooling1D, Input
from minikeras.models import Sequential
from minikeras.utils import set_random_seed

WORDS = 5000  # the most frequent ones; the others all become one number
LENGTH = 200  # of a review: only its end is read


def build(length):
    """The network: words as vectors, three of them at a time, what was found anywhere."""
    return Sequential(
        [
            Input((length,)),
            Embedding(WORDS, 32),  # (batch, length, 32)
            Dropout(0.2),
            Conv1D(64, 3, activation="relu"),  # (batch, length - 2, 64)
            GlobalMaxPooling1D(),  # (batch, 64)
            Dense(32, activation="relu"),
            Dropout(0.2),
            Dense(1, activation="sigmoid"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few made-up reviews, a few seconds")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--dataset", choices=["imdb", "made-up"], default="imdb")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same result")
    options = parser.parse_args()

    set_random_seed(options.seed)
    dataset, count = ("made-up", 4000) if options.quick else (options.dataset, 6000)
    (x_train, y_train), (x_test, y_test) = load(dataset, WORDS, LENGTH, count)
    model = build(x_train.shape[1])
    model.summary()
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
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
