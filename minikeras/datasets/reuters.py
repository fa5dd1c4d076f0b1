"""Reuters: 11,228 news reports on 46 topics, as lists of the numbers of their words.

Source: D. Lewis, "Reuters-21578", 1987, prepared by the authors of Keras.
"""

from __future__ import annotations

from minikeras.datasets._files import (
    ORIGIN,
    Split,
    check_test_split,
    fetch,
    old_generator,
    read_npz,
    shuffled,
)
from minikeras.datasets._text import check_arguments, drop_long, read_index, restrict, shift, to_objects

SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
INDEX_MD5 = "4d44cc38712099c9e383dc6e5f11a921"
TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton "
    "carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock "
    "retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead"
)


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Split:
    """Reuters as `(x_train, y_train), (x_test, y_test)`.

    Args:
        path: the file's name in the folder of the data sets, or an absolute path.
        num_words: only words with numbers below this are kept; None keeps (nearly) all.
        skip_top: only words with numbers from this on are kept.
        maxlen: only texts that are shorter than this are kept.
        test_split: the share of the texts for testing.
        seed: of the order of the texts.
        start_char: the number that each text begins with, or None.
        oov_char: the number in place of words that are not kept; None leaves them out.
        index_from: what is added to the number of every word.

    Returns:
        x: arrays of 8,982 and 2,246 lists of whole numbers.
        y: int64 of shape (8982,) and (2246,), the topics 0 to 45.

    Raises:
        OSError: when there is no such file and it cannot be downloaded.
        ValueError: when the file holds something else, or an argument is wrong.
    """
    check_arguments(num_words=num_words, skip_top=skip_top, maxlen=maxlen, index_from=index_from)
    share, rng = check_test_split(test_split), old_generator(seed)
    file = fetch(path, ORIGIN + "reuters.npz", SHA256)
    arrays = read_npz(file, "Reuters", ("x", "y"), pickled=True)
    x, y = shuffled(rng, arrays["x"], arrays["y"])
    texts, y = drop_long(shift(x, start_char, index_from), y, maxlen)
    texts = restrict(texts, num_words, skip_top, oov_char)
    n = int(len(texts) * (1 - share))
    return (to_objects(texts[:n]), y[:n]), (to_objects(texts[n:]), y[n:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The number of each word, before `index_from` is added."""
    return read_index(fetch(path, ORIGIN + "reuters_word_index.json", INDEX_MD5))


def get_label_names() -> tuple[str, ...]:
    """The names of the 46 topics, in the order of their numbers."""
    return tuple(TOPICS.split())
