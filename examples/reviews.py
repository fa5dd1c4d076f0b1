"""Film reviews for imdb_cnn.py and imdb_lstm.py: IMDB's, or made-up ones where IMDB cannot be had.

A made-up review has a few sentences such as "the plot was not very funny"; its label is what most of
them say. Every word of praise also occurs with a "not" before it, so counting words is not enough:
logistic regression on the counts gets 57 % of the test right.
"""

import random

import numpy as np

from minikeras.datasets import imdb
from minikeras.utils import pad_sequences

THINGS = ["plot", "film", "ending", "music", "acting", "story", "camera", "hero", "dialogue", "cast"]
KIND = ["good", "great", "funny", "brilliant", "moving", "clever", "lovely", "gripping"]
UNKIND = ["bad", "dull", "awful", "boring", "clumsy", "stupid", "ugly", "tedious"]
DEGREES = ["", "", "very", "really", "quite"]
ASIDES = ["i saw it on monday", "my sister came along", "it lasted two hours", "the hall was full"]


def sentence(draw):
    """A few words, and what they say of the film: 1 kind, -1 unkind, 0 nothing."""
    if draw.random() < 0.25:
        return draw.choice(ASIDES), 0
    kind, negated = draw.random() < 0.5, draw.random() < 0.4
    words = ["the", draw.choice(THINGS), "was", "not" if negated else "", draw.choice(DEGREES)]
    words.append(draw.choice(KIND if kind else UNKIND))
    return " ".join(filter(None, words)), 1 if kind != negated else -1


def generate(count, seed):
    """Reviews as strings, no two of them alike, and their labels."""
    draw, labels = random.Random(seed), {}
    while len(labels) < count:
        sentences, opinions = zip(*(sentence(draw) for _ in range(draw.randint(2, 6))), strict=True)
        if sum(opinions) != 0:
            labels[" and ".join(sentences)] = int(sum(opinions) > 0)
    return list(labels), np.array(list(labels.values()))


def as_numbers(reviews):
    """Words as numbers in alphabetical order; 0 is left for padding."""
    words = sorted({word for review in reviews for word in review.split()})
    number = {word: i for i, word in enumerate(words, start=1)}
    return [[number[word] for word in review.split()] for review in reviews]


def load(dataset, num_words, maxlen, count=6000):
    """Reviews as rows of `maxlen` word numbers below `num_words`, padded in front, and 1 for kind ones.

    A fifth of the `count` made-up reviews is for testing.
    """
    if dataset == "imdb":
        try:
            (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=num_words)
        except OSError:
            print("IMDB is not here and cannot be downloaded: taking made-up reviews instead.")
            dataset = "made-up"
    if dataset == "made-up":
        reviews, y = generate(count, seed=0)
        x, n = as_numbers(reviews), count * 4 // 5
        (x_train, y_train), (x_test, y_test) = (x[:n], y[:n]), (x[n:], y[n:])
        maxlen = max(map(len, x))
    x_train, x_test = pad_sequences(x_train, maxlen), pad_sequences(x_test, maxlen)
    return (x_train, y_train), (x_test, y_test)
