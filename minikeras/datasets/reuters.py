"""Reuters: 11,228 news reports of 1987 on 46 topics, as lists of word numbers.

Words are numbered by frequency, so that "the 10,000 most frequent words" is a comparison. The file is
downloaded once, 2 MB.

Source: D. D. Lewis, "Reuters-21578 text categorization test collection", 1997,
https://doi.org/10.24432/C52G6M
"""

from __future__ import annotations

from minikeras.datasets._files import SERVER, fetch, read_npz, reading
from minikeras.datasets._splits import Split, check_seed, check_test_split, shuffled, split
from minikeras.datasets._words import Coding, check_texts, load_word_index

ORIGIN = SERVER + "reuters.npz"
SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
WORD_INDEX_MD5 = "4d44cc38712099c9e383dc6e5f11a921"

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

    A word that is number w by frequency becomes w + index_from.

    Args:
        path: the file's name in the folder `datasets/` of $MINIKERAS_HOME, else of $KERAS_HOME,
            else of ~/.keras; or an absolute path. A file that is there is used whatever its hash.
        num_words: numbers from here on (after the shift) are left out. None stands for the largest
            number, so that the very rarest word is left out, as in Keras.
        skip_top: numbers below this (after the shift) are left out.
        maxlen: only reports with fewer numbers than this are kept; they are not cut.
        test_split: the share of the reports that is for testing, at least 0 and less than 1.
        seed: of the order of the reports.
        start_char: the number that every report begins with, or None for no such number.
        oov_char: the number that stands for a word left out, or None to drop such words.
        index_from: how far the numbers are shifted.

    Returns:
        x: object of shape (8982,) and (2246,); each item is a list of ints.
        y: int64 of shape (8982,) and (2246,), the topics 0 to 45.

    Raises:
        OSError: when there is no such file and it cannot be downloaded.
        ValueError: when the file there does not hold Reuters, the download has the wrong hash, an
            argument is wrong, or `maxlen` leaves no report.
    """
    owner = "reuters.load_data"
    coding = Coding(owner, num_words, skip_top, maxlen, start_char, oov_char, index_from)
    test_split, seed = check_test_split(owner, test_split), check_seed(owner, seed)
    file = fetch(path, ORIGIN, SHA256)
    with reading(file, "Reuters", "an .npz archive of x, lists of ints, and y, whole numbers"):
        arrays = read_npz(file, ("y",), objects=("x",))
        check_texts(arrays["x"], arrays["y"])
    [order] = shuffled(seed, len(arrays["x"]))
    x, kept = coding.encode(arrays["x"][order])
    coding.check_not_empty(x)
    return split(x, arrays["y"][order][kept], test_split)


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The words and their numbers by frequency, from 1: {word: number}, without the shift.

    Args:
        path: the file's name in the folder `datasets/` of the cache, or an absolute path.
    """
    return load_word_index(path, "reuters_word_index.json", WORD_INDEX_MD5, "Reuters' words")


def get_label_names() -> tuple[str, ...]:
    """The names of the topics; the position of a name is its label."""
    return tuple(TOPICS.split())
