"""Cases of layers that take strings: name, arguments, x. None of them has a gradient."""

from __future__ import annotations

from typing import Any

WORDS = ["a", "b", "c"]
ROWS = [["a", "c", "z"], ["b", "b", ""]]

TEXT: list[tuple[str, dict[str, Any], Any]] = [
    ("StringLookup", {"vocabulary": WORDS, "mask_token": ""}, ROWS),
    ("StringLookup", {"vocabulary": WORDS, "mask_token": "", "output_mode": "one_hot"}, ROWS),
    ("StringLookup", {"vocabulary": WORDS, "mask_token": "", "output_mode": "multi_hot"}, ROWS),
    (
        "StringLookup",
        {"vocabulary": WORDS, "output_mode": "count", "max_tokens": 7, "pad_to_max_tokens": True},
        ROWS,
    ),
    (
        "StringLookup",
        {"vocabulary": WORDS, "output_mode": "tf_idf", "idf_weights": [0.125, 0.25, 0.5]},
        ROWS,
    ),
    ("StringLookup", {"vocabulary": WORDS, "num_oov_indices": 3}, [["q", "w", "e", "r", "a"]]),
    (
        "StringLookup",
        {"vocabulary": WORDS, "num_oov_indices": 3, "salt": [3, 7]},
        [["q", "w", "e", "r", "a"]],
    ),
    ("StringLookup", {"vocabulary": WORDS, "invert": True, "mask_token": ""}, [[0, 1, 2], [3, 4, 9]]),
    ("IntegerLookup", {"vocabulary": [5, -6], "mask_token": 0}, [[5, 0, 7], [-6, 8, 5]]),
    (
        "IntegerLookup",
        {"vocabulary": [5, -6], "output_mode": "count", "num_oov_indices": 2},
        [[5, 0], [-7, -7]],
    ),
    (
        "IntegerLookup",
        {"vocabulary": [5, 6], "num_oov_indices": 3, "oov_method": "farmhash"},
        [[-4, 7, 8, 5]],
    ),
    (
        "IntegerLookup",
        {"vocabulary": [5, 6], "num_oov_indices": 3, "oov_method": "farmhash", "salt": 9},
        [[-4, 7, 8, 5]],
    ),
    ("IntegerLookup", {"vocabulary": [5, 6], "invert": True, "mask_token": 0}, [[0, 1, 2, 3, 9]]),
    (
        "TextVectorization",
        {"vocabulary": WORDS, "output_sequence_length": 4},
        ["A, c! z", "b", "", "a b c a b"],
    ),
    (
        "TextVectorization",
        {"vocabulary": [*WORDS, "a b"], "ngrams": 2, "output_sequence_length": 5},
        [["a b z"], ["c"]],
    ),
    (
        "TextVectorization",
        {"vocabulary": ["b c", "a b c"], "ngrams": (2, 3), "output_mode": "count"},
        [["a b c b c"], ["c"]],
    ),
    (
        "TextVectorization",
        {"vocabulary": WORDS, "split": "character", "standardize": "lower", "output_mode": "multi_hot"},
        [["Ab."], ["cc"]],
    ),
    ("TextVectorization", {"vocabulary": WORDS, "split": None}, ROWS),
    ("TextVectorization", {"vocabulary": WORDS, "split": None, "output_sequence_length": 5}, ROWS),
    (
        "TextVectorization",
        {"vocabulary": WORDS, "split": None, "ngrams": 2, "output_sequence_length": 5},
        ROWS,
    ),
    (
        "TextVectorization",
        {"vocabulary": WORDS, "output_mode": "tf_idf", "idf_weights": [0.125, 0.25, 0.5]},
        [["a a z y"], ["c"]],
    ),
    ("Hashing", {"num_bins": 5}, ROWS),
    ("Hashing", {"num_bins": 5, "mask_value": "", "salt": [1, 2], "output_mode": "multi_hot"}, ROWS),
    ("Hashing", {"num_bins": 3, "salt": 133}, [["A"], ["B"], ["C"], ["D"], ["E"]]),
    ("Hashing", {"num_bins": 3, "output_mode": "one_hot"}, [["a"], ["b"]]),
    ("Hashing", {"num_bins": 3, "output_mode": "count"}, ROWS),
    ("Hashing", {"num_bins": 4, "mask_value": 3, "dtype": "int32"}, [[3, 4, -5, 123456]]),
    ("Hashing", {"num_bins": 7}, [[1.75, -2.25, 0.5]]),
    ("Hashing", {"num_bins": 1, "mask_value": ""}, ROWS),
]

# name, arguments, what is learnt from, what is then looked up
LEARNT: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("StringLookup", {}, ROWS, ROWS),
    ("StringLookup", {"max_tokens": 3, "mask_token": ""}, ["a", "b", "a", ""], ["a", "b", ""]),
    ("StringLookup", {"output_mode": "tf_idf"}, ["a", "b", "a"], [["a", "a", "q"]]),
    ("StringLookup", {"output_mode": "tf_idf", "max_tokens": 6, "pad_to_max_tokens": True}, ROWS, ROWS),
    ("IntegerLookup", {"mask_token": 0, "max_tokens": 5}, [[3, 3, -1, 0], [7, 7, 7, 9]], [[3, 9, 0, 12]]),
    ("TextVectorization", {}, ["foo bar", "bar. Baz"], ["foo bar", "baz qux-baz"]),
    ("TextVectorization", {"ngrams": 2}, ["a b c", "b c b"], ["a b c d", "c"]),
    ("TextVectorization", {"split": "character", "ngrams": 2}, ["a b c", "b c b"], ["a b c d", "c"]),
    ("TextVectorization", {"split": None}, ["a b c", "b c b"], ["abc", "c"]),
    (
        "TextVectorization",
        {"standardize": None},
        ["\xc4\xd6 \u0130 A\x0bb\x1cc\xa0d"],
        ["\xe4\xf6 \u0130 a b"],
    ),
    ("TextVectorization", {}, ["\xc4\xd6 \u0130 A-b c!d e'f g$h"], ["\xc4\xd6 ab"]),
    ("TextVectorization", {"output_mode": "tf_idf", "max_tokens": 4}, ["a b a", "b c", "b d e"], ["a b c z"]),
    (
        "TextVectorization",
        {"output_mode": "count", "max_tokens": 9, "pad_to_max_tokens": True},
        ["foo bar", "bar"],
        ["bar bar q", ""],
    ),
]
