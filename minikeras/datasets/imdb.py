"""IMDB: 50,000 film reviews, half of them kind and half of them not, as lists of word numbers.

Words are numbered by frequency, so that "the 10,000 most frequent words" is a comparison. The file is
downloaded once, 17 MB.

Source: A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng, C. Potts, "Learning Word Vectors for
Sentiment Analysis", ACL 2011, https://ai.stanford.edu/~amaas/data/sentiment/
"""

from __future__ import annotations

import numpy as np

from minikeras.datasets._files import SERVER, fetch, read_npz, reading
from minikeras.datasets._splits import Split, check_seed, shuffled
from minikeras.datasets._words import Coding, check_texts, load_word_index

ORIGIN = SERVER + "imdb.npz"
SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
WORD_INDEX_MD5 = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Split:
    """IMDB as `(x_train, y_train), (x_test, y_test)`.

    A word that is number w by frequency becomes w + index_from.

    Args:
        path: the file's name in the folder `datasets/` of $MINIKERAS_HOME, else of $KERAS_HOME,
            else of ~/.keras; or an absolute path. A file that is there is used whatever its hash.
        num_words: numbers from here on (after the shift) are left out. None stands for the largest
            number, so that the very rarest word is left out, as in Keras.
        skip_top: numbers below this (after the shift) are left out.
        maxlen: only reviews with fewer numbers than this are kept; they are not cut.
        seed: of the order of the reviews.
        start_char: the number that every review begins with, or None for no such number.
        oov_char: the number that stands for a word left out, or None to drop such words.
        index_from: how far the numbers are shifted.

    Returns:
        x: object of shape (25000,) twice; each item is a list of ints.
        y: int64 of shape (25000,) twice, 1 for a kind review.

    Raises:
        OSError: when there is no such file and it cannot be downloaded.
        ValueError: when the file there does not hold IMDB, the download has the wrong hash, an
            argument is wrong, or `maxlen` leaves no review.
    """
    owner = "imdb.load_data"
    coding = Coding(owner, num_words, skip_top, maxlen, start_char, oov_char, index_from)
    seed = check_seed(owner, seed)
    file = fetch(path, ORIGIN, SHA256)
    with reading(file, "IMDB", "an .npz archive of x_train and x_test, lists of ints, y_train and y_test"):
        arrays = read_npz(file, ("y_train", "y_test"), objects=("x_train", "x_test"))
        for part in ("train", "test"):
            check_texts(arrays[f"x_{part}"], arrays[f"y_{part}"])
    n = len(arrays["x_train"])
    train, test = shuffled(seed, n, len(arrays["x_test"]))
    x = np.concatenate([arrays["x_train"][train], arrays["x_test"][test]])
    y = np.concatenate([arrays["y_train"][train], arrays["y_test"][test]])
    x, kept = coding.encode(x)
    y, n = y[kept], int(kept[:n].sum())
    coding.check_not_empty(x[:n], x[n:])
    return (x[:n], y[:n]), (x[n:], y[n:])


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The words and their numbers by frequency, from 1: {word: number}, without the shift.

    Args:
        path: the file's name in the folder `datasets/` of the cache, or an absolute path.
    """
    return load_word_index(path, "imdb_word_index.json", WORD_INDEX_MD5, "IMDB's words")
