"""A recurrent network that learns to add, from nothing but sums written as text: "57+8" is "65".

    python examples/addition_rnn.py [--quick] [--digits 2] [--epochs 30] [--sums 8000] [--seed 0]

An encoder reads the question into one vector; a decoder writes the answer from it, one character at
a time. The questions of the test are none of those it has practised on. See I. Sutskever, O. Vinyals,
Q. V. Le, "Sequence to Sequence Learning with Neural Networks", 2014, https://arxiv.org/abs/1409.3215
"""

import argparse

import numpy as np

from minikeras.layers import GRU, Dense, Input, RepeatVector, TimeDistributed
from minikeras.models import Sequential
from minikeras.optimizers import Adam
from minikeras.utils import set_random_seed, to_categorical

ALPHABET = "0123456789+ "


def as_numbers(texts):
    """Characters as their places in the alphabet: (texts, characters)."""
    return np.array([[ALPHABET.index(character) for character in text] for text in texts])


def as_text(numbers):
    """The other way round, without the spaces at the ends."""
    return "".join(ALPHABET[number] for number in numbers).strip()


def make_sums(count, digits, rng):
    """Different questions and their answers, filled up with spaces to one length.

    The question is written backwards: so the digits that are needed first are read last.
    """
    pairs = rng.permutation(100**digits)[:count]
    first, second = pairs // 10**digits, pairs % 10**digits
    questions = [f"{a}+{b}".ljust(2 * digits + 1)[::-1] for a, b in zip(first, second, strict=True)]
    answers = [str(a + b).ljust(digits + 1) for a, b in zip(first, second, strict=True)]
    return as_numbers(questions), as_numbers(answers)


def build(digits, units):
    """The network: question -> vector -> the vector once for each character -> answer."""
    characters = len(ALPHABET)
    return Sequential(
        [
            Input((2 * digits + 1, characters)),
            GRU(units),  # the encoder
            RepeatVector(digits + 1),
            GRU(units, return_sequences=True),  # the decoder
            TimeDistributed(Dense(characters, activation="softmax")),
        ]
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few rounds, a few seconds")
    parser.add_argument("--digits", type=int, default=2, help="of each of the two numbers, at most")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--sums", type=int, default=8000, help="to practise on, at most")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same result")
    options = parser.parse_args()

    set_random_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    questions, answers = make_sums(options.sums * 5 // 4, options.digits, rng)
    x, n = to_categorical(questions, len(ALPHABET)), len(questions) * 4 // 5
    units, epochs = (64, 6) if options.quick else (128, options.epochs)
    model = build(options.digits, units)
    model.summary()
    model.compile(optimizer=Adam(0.005), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:n], answers[:n], batch_size=64, epochs=epochs, validation_data=(x[n:], answers[n:]))

    written = model.predict(x[n:], verbose=0).argmax(axis=-1)
    for i in range(5):
        asked, right, given = map(as_text, (questions[n + i][::-1], answers[n + i], written[i]))
        print(f"{asked} = {given}" + ("" if given == right else f" (no: {right})"))
    print(f"Test accuracy of characters: {np.mean(written == answers[n:]):.4f}")
    print(f"Test accuracy of sums: {np.mean((written == answers[n:]).all(axis=1)):.4f}")


if __name__ == "__main__":
    main()
