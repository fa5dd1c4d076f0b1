"""A recurrent network that learns to spell: it reads a tale letter by letter, then writes on its own.

    python examples/text_lstm.py [--quick] [--epochs 60] [--temperature 0.5] [--letters 300] [--seed 0]

At each letter it is asked for the next one. What it has learned is measured on the end of the tale,
which it never sees in training, against always guessing the most frequent character.
"""

import argparse

import numpy as np

from minikeras.layers import LSTM, Dense, Embedding, Input
from minikeras.models import Sequential
from minikeras.optimizers import Adam
from minikeras.utils import set_random_seed

TALE = """
the mill stood by the river and the river turned the wheel. the wheel turned the stone and the stone
ground the grain. in the morning the miller opened the gate and the water came down to the wheel. in
the evening the miller closed the gate and the wheel stood still. so it went all through the summer,
and so it went all through the autumn, until the winter came and the river froze. then the wheel stood
still in the morning and the wheel stood still in the evening, and there was no flour in the mill. the
miller sat by the fire and looked at the snow. the river sleeps, said the miller, and so does the
wheel. the cat sat by the fire and looked at the miller. the mice sleep too, thought the cat, and so
there is nothing to do. one evening there was a knock at the door. the miller opened the door and there
stood an old woman with a sack on her back. i have grain in my sack, said the old woman, and i have
come to the mill to have it ground. the river is frozen, said the miller, and the wheel stands still.
then we must wake the river, said the old woman. she went down to the river and she knocked on the ice
as she had knocked on the door. river, she said, wake up and turn the wheel. the wind went through the
trees and the snow fell from the trees, but the river slept on. she knocked again and she said, river,
wake up and turn the wheel, and i will give you a song. the ice sang a little and the ice cracked a
little, but the river slept on. then the cat came down from the fire and looked at the water under the
ice, and the cat saw a fish. the cat knocked on the ice with her paw, and she knocked so hard that the
ice broke, and the river woke up. the water came down to the wheel and the wheel turned the stone and
the stone ground the grain. the old woman took the flour in her sack and she went away through the
snow, and she sang the song that she had given to the river. the miller stood by the wheel and looked
at the water. the cat sat by the river and ate the fish. in the morning the miller opened the gate, and
in the evening the miller closed the gate, and the river turned the wheel all through the winter until
the summer came to the mill again.
"""


def windows(numbers, length, step):
    """Stretches of the text, and the same stretches one letter further on: what is to be guessed."""
    starts = np.arange(0, len(numbers) - length, step)[:, None] + np.arange(length)  # (stretches, length)
    return numbers[starts], numbers[starts + 1]


def build(characters):
    """The network: for each letter read so far, the probabilities of the next one."""
    return Sequential(
        [
            Input((None,)),
            Embedding(characters, 16),
            LSTM(128, return_sequences=True),
            Dense(characters, activation="softmax"),
        ]
    )


def write(model, text, alphabet, count, temperature, rng):
    """Go on with a text, letter by letter; the lower the temperature, the more careful the choice."""
    for _ in range(count):
        numbers = [alphabet.index(character) for character in text[-40:]]
        probabilities = model(np.array([numbers]))[0, -1].astype("float64")  # of the next character
        weights = probabilities ** (1 / temperature)
        text += alphabet[rng.choice(len(alphabet), p=weights / weights.sum())]
    return text


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="6 epochs, a few seconds")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--letters", type=int, default=300, help="how many to write")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same result")
    options = parser.parse_args()

    set_random_seed(options.seed)
    text = " ".join(TALE.split())
    alphabet = "".join(sorted(set(text)))
    numbers = np.array([alphabet.index(character) for character in text])
    end = len(numbers) * 9 // 10
    x_train, y_train = windows(numbers[:end], length=40, step=3)
    x_test, y_test = windows(numbers[end:], length=40, step=3)

    model = build(len(alphabet))
    model.summary()
    model.compile(optimizer=Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=32, epochs=6 if options.quick else options.epochs)
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    guess = np.mean(y_test == np.bincount(numbers).argmax())
    print(f"Next letter right, end of the tale: {accuracy:.4f} (the most frequent one: {guess:.4f})")
    rng = np.random.default_rng(options.seed)
    print(write(model, "the miller ", alphabet, options.letters, options.temperature, rng))


if __name__ == "__main__":
    main()
