"""IMDB: 50,000 reviews of films, half of them kind, as lists of the numbers of their words.

Source: A. Maas et al., "Learning Word Vectors for Sentiment Analysis", 2011.
"""

from __future__ import annotations

from minikeras.datasets._files import ORIGIN, Split, fetch, old_generator, read_npz, shuffled
from minikeras.datasets._text import check_arguments, drop_long, read_index, restrict, shift, to_objects

SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
INDEX_MD5 = "bfafd718b763782e994055a2d397834f"


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

    Args:
        path: the file's name in the folder of the data sets, or an absolute path.
        num_words: only words with numbers below this are kept; None keeps (nearly) all.
        skip_top: only words with numbers from this on are kept.
        maxlen: only texts that are shorter than this are kept.
        seed: of the order of the texts.
        start_char: the number that each text begins with, or None.
        oov_char: the number in place of words that are not kept; None leaves them out.
        index_from: what is added to the number of every word.

    Returns:
        x: arrays of 25,000 lists of whole numbers each.
        y: int64 of shape (25000,), 1 for a kind review and 0 for the others.

    Raises:
        OSError: when there is no such file and it cannot be downloaded.
        ValueError: when the file holds something else, or an argument is wrong.
    """
    check_arguments(num_words=num_words, skip_top=skip_top, maxlen=maxlen, index_from=index_from)
    rng = old_generator(seed)
    file = fetch(path, ORIGIN + "imdb.npz", SHA256)
    arrays = read_npz(file, "IMDB", ("x_train", "y_train", "x_test", "y_test"), pickled=True)
    parts = []
    for part in ("train", "test"):
        x, y = shuffled(rng, arrays[f"x_{part}"], arrays[f"y_{part}"])
        parts.append(drop_long(shift(x, start_char, index_from), y, maxlen))
    (x_train, y_train), (x_test, y_test) = parts
    texts = restrict(x_train + x_test, num_words, skip_top, oov_char)
    n = len(x_train)
    return (to_objects(texts[:n]), y_train), (to_objects(texts[n:]), y_test)


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The number of each word, before `index_from` is added: {"the": 1, "and": 2, ...}."""
    return read_index(fetch(path, ORIGIN + "imdb_word_index.json", INDEX_MD5))
