"""Layers that take strings: Keras' numbers, what they learn, models that begin with them, what they refuse."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from cases_text import LEARNT, TEXT, WORDS
from golden.record_text import BUCKETS, KEYS, listed, samples

import minikeras as mk
from minikeras import layers as L  # noqa: N812
from minikeras import registry
from minikeras.layers._hashes import fingerprint64, siphash64

GOLDEN = json.loads((Path(__file__).parent / "golden" / "text.json").read_text())


def same(y, expected):
    """Whether an output is Keras'."""
    mine = listed(y)
    assert mine["dtype"] == expected["dtype"] and mine["shape"] == expected["shape"]
    if mine["dtype"] == "float32":
        np.testing.assert_allclose(mine["values"], expected["values"], rtol=1e-6)
    else:
        assert mine["values"] == expected["values"]


# Keras' numbers


def test_hashes_are_those_of_tensorflow():
    texts = samples()
    assert [fingerprint64(t) for t in texts] == GOLDEN["farm"]
    for key, expected in zip(KEYS, GOLDEN["sip"], strict=True):
        assert [siphash64(t, key) % BUCKETS for t in texts] == expected
    # the example of SipHash's authors: bytes 0 to 14, keyed with bytes 0 to 15
    key = tuple(int.from_bytes(bytes(range(i, i + 8)), "little") for i in (0, 8))
    assert siphash64(bytes(range(15)), key) == 0xA129CA6149BE45E5


@pytest.mark.parametrize("i", range(len(TEXT)), ids=lambda i: f"{TEXT[i][0]}{i}")
def test_outputs_and_configs_are_those_of_keras(i):
    name, arguments, x = TEXT[i]
    layer = getattr(L, name)(**arguments, name="x")
    same(layer(np.array(x)), GOLDEN["fixed"][i])
    if layer.takes_text and isinstance(x[0][0], str):
        same(layer(np.array(x, object)), GOLDEN["fixed"][i])
    mine, expected = layer.get_config(), GOLDEN["configs"][i]
    for config in (mine, expected):
        if config.get("idf_weights"):
            config["idf_weights"] = np.float32(config["idf_weights"]).tolist()
    assert mine == expected
    same(type(layer).from_config(expected)(np.array(x)), GOLDEN["fixed"][i])


@pytest.mark.parametrize("i", range(len(LEARNT)), ids=lambda i: f"{LEARNT[i][0]}{i}")
def test_what_is_learnt_is_what_keras_learns(i):
    name, arguments, data, x = LEARNT[i]
    layer = getattr(L, name)(**arguments)
    for source in (data, np.array(data), np.array(data, object if layer.takes_text else None)):
        layer.adapt(source)
        assert layer.get_vocabulary() == GOLDEN["learnt"][i]["vocabulary"]
        assert layer.vocabulary_size() == len(layer.get_vocabulary())
        same(layer(np.array(x)), GOLDEN["learnt"][i]["y"])
    own = layer.get_vocabulary(include_special_tokens=False)
    assert own and layer.get_vocabulary()[-len(own) :] == own


# Learning


def batches(data):
    """The same documents as iterables of batches, the last with targets."""
    rows = [np.array(d)[None] for d in data]
    return [lambda: iter(rows), lambda: (r for r in rows), lambda: ((r, np.zeros(1)) for r in rows)]


@pytest.mark.parametrize("i", [0, 4, 5, 6, 7, 9, 11])
def test_batches_teach_the_same_as_one_array(i):
    name, arguments, data, x = LEARNT[i]
    for source in batches(data):
        layer = getattr(L, name)(**arguments)
        layer.adapt(source())
        assert layer.get_vocabulary() == GOLDEN["learnt"][i]["vocabulary"]
        same(layer(np.array(x)), GOLDEN["learnt"][i]["y"])


def test_steps_end_an_endless_source():
    layer = L.TextVectorization()
    layer.adapt(iter(lambda: ["b a", "b"], None), steps=2)
    assert layer.get_vocabulary() == ["", "[UNK]", "b", "a"]


def test_a_new_adapt_forgets_the_old_one():
    layer = L.StringLookup()
    layer.adapt(["a", "b"])
    layer.adapt(["c"])
    assert layer.get_vocabulary() == ["[UNK]", "c"]
    layer.finalize_state()  # nothing new: nothing changes
    assert layer.get_vocabulary() == ["[UNK]", "c"]
    layer.set_vocabulary(["q", "a"])
    assert layer(["a", "c"]).tolist() == [2, 0]
    layer.adapt(["z"])
    assert layer.get_vocabulary() == ["[UNK]", "z"]


@pytest.mark.parametrize("i", range(len(LEARNT)))
def test_copies_know_what_was_learnt_and_can_learn_anew(i):
    name, arguments, data, x = LEARNT[i]
    layer = getattr(L, name)(**arguments)
    layer.adapt(data)
    config = json.loads(json.dumps(registry.serialize(layer)))
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), registry.deserialize(config)):
        assert other.get_config() == layer.get_config()
        same(other(np.array(x)), GOLDEN["learnt"][i]["y"])
        other.adapt(data)
        assert other.get_vocabulary() == layer.get_vocabulary()


def test_a_vocabulary_from_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes("a\n\xe4\n".encode())
    for given in (path, str(path)):
        layer = L.StringLookup(vocabulary=given)
        assert layer.get_vocabulary() == ["[UNK]", "a", "\xe4"]
    path.unlink()
    again = L.StringLookup.from_config(layer.get_config())  # the file is not needed any more
    assert again([["\xe4", "q"]]).tolist() == [[2, 0]]
    path.write_text("7\n-5\n")
    assert L.IntegerLookup(vocabulary=str(path))([-5, 7]).tolist() == [2, 1]


# Inputs and outputs


def test_strings_in_every_form():
    layer = L.StringLookup(vocabulary=["a", "\xe4"])
    for x in (
        ["\xe4", "q"],
        ("\xe4", "q"),
        np.array(["\xe4", "q"], object),
        np.array(["\xe4".encode(), b"q"]),
    ):
        assert layer(x).tolist() == [2, 0]
    assert layer("a").shape == ()
    assert layer(np.empty((0, 2), object)).shape == (0, 2)
    assert L.StringLookup(vocabulary=["\xe4"], encoding="latin-1")(np.array([b"\xe4"])).tolist() == [1]
    text = L.TextVectorization(vocabulary=WORDS)
    assert text("a b z").tolist() == [2, 3, 1]
    assert text(["", ""]).shape == (2, 0)
    assert text(np.array([], str)).shape == (0, 0)
    assert (
        L.Hashing(9)(np.array(["a"]))
        == L.Hashing(9)(np.array([b"a"]))
        == L.Hashing(9)(np.array(["a"], object))
    )


def test_there_and_back():
    there = L.StringLookup(vocabulary=WORDS, mask_token="")
    back = L.StringLookup(vocabulary=there.get_vocabulary(), mask_token="", invert=True)
    assert back(there([["a", "q", "", "c"]])).tolist() == [["a", "[UNK]", "", "c"]]
    assert back(np.array([-1, 99])).tolist() == ["[UNK]", "[UNK]"]


def test_the_way_back_can_be_learnt_too():
    back = L.StringLookup(invert=True)
    back.adapt(["a", "b", "b"])
    assert back([0, 1, 2, 3]).tolist() == ["[UNK]", "b", "a", "[UNK]"]
    back = L.IntegerLookup(invert=True, mask_token=0)
    back.adapt([[7, 7, -3]])
    assert back([0, 1, 2, 3]).tolist() == [0, -1, 7, -3]


def test_special_tokens_in_front_may_bring_their_own_weights():
    arguments = {"output_mode": "tf_idf", "max_tokens": 6, "pad_to_max_tokens": True}
    layer = L.StringLookup(vocabulary=["[UNK]", "a"], idf_weights=[0.75, 0.5], **arguments)
    assert layer([["a", "a", "q"]]).tolist() == [[0.75, 1.0, 0, 0, 0, 0]]
    again = L.StringLookup.from_config(layer.get_config())
    assert again([["a", "a", "q"]]).tolist() == [[0.75, 1.0, 0, 0, 0, 0]]


def test_deprecated_names_of_modes():
    assert L.StringLookup(output_mode="binary").output_mode == "multi_hot"
    assert L.TextVectorization(output_mode="tf-idf").output_mode == "tf_idf"


def shout(texts):
    return np.char.upper(texts)


def at_dashes(texts):
    return [t.split("-") for t in texts]


def test_functions_of_ones_own():
    with registry.custom_object_scope({"shout": shout, "at_dashes": at_dashes}):
        layer = L.TextVectorization(vocabulary=["A B", "C"], standardize=shout, split=at_dashes)
        assert layer([["c-a b"], ["q"]]).tolist() == [[3, 2], [1, 0]]
        again = L.TextVectorization.from_config(json.loads(json.dumps(layer.get_config())))
        assert again(["c-a b", "q"]).tolist() == [[3, 2], [1, 0]]


# In models

REVIEWS = np.array(["good film", "Great fun!", "bad film", "awful, bad", "good good fun", "awful film"])
LIKED = np.array([1.0, 1, 0, 0, 1, 0])


def models():
    """Untrained models that take strings."""
    text = L.TextVectorization(output_mode="count")
    text.adapt(REVIEWS)
    ids = L.TextVectorization(output_sequence_length=3)
    ids.adapt(REVIEWS)
    embedded = [L.Embedding(ids.vocabulary_size(), 4), L.Flatten(), L.Dense(1, "sigmoid")]
    return [
        mk.Sequential([text, L.Dense(1, "sigmoid")]),
        mk.Sequential([mk.Input((1,), dtype="string"), ids, *embedded]),
        mk.Sequential([L.Hashing(64, output_mode="one_hot"), L.Dense(1, "sigmoid")]),
        mk.Sequential([mk.Sequential([copy.deepcopy(text)]), L.Dense(1, "sigmoid")]),
    ]


@pytest.mark.parametrize("which", range(4))
def test_a_model_that_begins_with_text_is_trained(which):
    mk.utils.set_random_seed(1)
    model = models()[which]
    model.compile(mk.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    x = REVIEWS.astype(object) if which == 1 else REVIEWS
    model.fit(x, LIKED, epochs=40, batch_size=4, validation_data=(REVIEWS, LIKED), verbose=0)
    y = model.predict(REVIEWS, verbose=0)
    assert (y[:, 0] > 0.5).tolist() == LIKED.astype(bool).tolist()
    np.testing.assert_allclose(model.predict(REVIEWS.tolist(), batch_size=2, verbose=0), y, rtol=1e-5)
    np.testing.assert_allclose(model.predict(iter([(REVIEWS,)]), verbose=0), y, rtol=1e-5)
    np.testing.assert_allclose(model.predict_on_batch(REVIEWS), y, rtol=1e-5)
    if which != 1:  # where the shape (batch, 1) was declared, a call takes that only
        np.testing.assert_allclose(model(REVIEWS), y, rtol=1e-5)
    assert model.evaluate(REVIEWS, LIKED, verbose=0)[1] == 1.0
    model.fit(x, LIKED, validation_split=0.5, verbose=0)
    model.train_on_batch(REVIEWS, LIKED)
    again = mk.models.clone_model(model) if which else mk.models.model_from_json(model.to_json())
    again.build(model.input_shape)
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(
        again.predict(REVIEWS, verbose=0), model.predict(REVIEWS, verbose=0), rtol=1e-5
    )


def test_a_model_may_end_with_text():
    model = mk.Sequential([mk.Input((2,), dtype="int64"), L.StringLookup(vocabulary=WORDS, invert=True)])
    assert model.predict(np.array([[1, 2], [3, 0], [9, 1]]), batch_size=2, verbose=0).tolist() == [
        ["a", "b"],
        ["c", "[UNK]"],
        ["[UNK]", "a"],
    ]


# What is refused


def numeric():
    model = mk.Sequential([L.Dense(1)])
    model.compile("sgd", "mse")
    return model


def counting():
    layer = L.StringLookup(output_mode="count")
    layer.adapt(["a", "b"])
    model = mk.Sequential([layer, L.Dense(1)])
    model.compile("sgd", "mse")
    return model


def used():
    layer = counting().layers[0]
    layer([["a"]])
    return layer


S, T, X = L.StringLookup, L.TextVectorization, np.array([["a", "b"]])

# (what is wrong, words that the message must have)
BAD = [
    (lambda: S(max_tokens=1), ["`max_tokens`", "2"]),
    (lambda: S(num_oov_indices=-1), ["`num_oov_indices`"]),
    (lambda: S(pad_to_max_tokens=True), ["must set `max_tokens`"]),
    (lambda: S(output_mode="ints"), ["`output_mode`", "Did you mean 'int'"]),
    (lambda: S(invert=True, output_mode="count"), ["when `invert` is true"]),
    (lambda: S(sparse=True), ["`sparse`"]),
    (lambda: S(salt=[1, 2, 3]), ["`salt`", "[1, 2, 3]"]),
    (lambda: S(salt="a"), ["`salt`", "'a'"]),
    (lambda: S(vocabulary=[]), ["not empty"]),
    (lambda: S(vocabulary=[["a"]]), ["a list of tokens"]),
    (lambda: S(vocabulary=[1, 2]), ["must be strings", "IntegerLookup"]),
    (lambda: S(vocabulary=["a", "a"]), ["repeated", "'a'"]),
    (lambda: S(vocabulary=["a", ""], mask_token=""), ["reserved token ''", "['', '[UNK]']"]),
    (lambda: S(vocabulary=["a", "[UNK]"], invert=True), ["reserved token '[UNK]'"]),
    (lambda: S(vocabulary=WORDS, max_tokens=3), ["vocabulary size is 4", "`max_tokens` is 3"]),
    (lambda: S(vocabulary="/no/such/file"), ["/no/such/file does not exist"]),
    (lambda: S(vocabulary=WORDS, output_mode="tf_idf"), ["`idf_weights` must be set"]),
    (lambda: S(vocabulary=WORDS, idf_weights=[1.0, 1, 1]), ["only if, `output_mode`"]),
    (lambda: S(idf_weights=[1.0], output_mode="tf_idf"), ["needs a `vocabulary`"]),
    (lambda: S(vocabulary=WORDS, output_mode="tf_idf", idf_weights=[1.0]), ["same length", "3 tokens"]),
    (lambda: S(vocabulary=WORDS, nonsense=1), ["nonsense"]),
    (lambda: S(vocabulary=WORDS).adapt(X), ["static vocabulary"]),
    (lambda: S().adapt([]), ["no data"]),
    (lambda: S().adapt([["a"], ["b", "c"]]), ["objects in it", "unequal length"]),
    (lambda: S().adapt(3), ["`adapt` takes", "int"]),
    (lambda: S().adapt(np.ones((2, 2))), ["must be strings"]),
    (lambda: S()(X), ["no vocabulary yet", "adapt(data)"]),
    (lambda: S(invert=True)(np.array([1])), ["no vocabulary yet"]),
    (lambda: S(vocabulary=WORDS)(np.array([1, 2])), ["must be strings", "int64"]),
    (lambda: S(vocabulary=WORDS)(np.array(["a", None], object)), ["objects in it", "None"]),
    (lambda: S(vocabulary=WORDS, invert=True)(X), ["array of numbers", "strings in it"]),
    (
        lambda: S(vocabulary=WORDS, num_oov_indices=0)([["a", "q"]]),
        ["OOV values ['q']", "`num_oov_indices=1`"],
    ),
    (lambda: used().set_vocabulary(["q"]), ["Old vocab size is 3", "new vocab size is 2"]),
    (lambda: L.IntegerLookup(vocabulary_dtype="int32"), ["`vocabulary_dtype`"]),
    (lambda: L.IntegerLookup(salt=3), ["oov_method='farmhash'"]),
    (lambda: L.IntegerLookup(oov_method="mod"), ["`oov_method`", "floormod"]),
    (lambda: L.IntegerLookup(vocabulary=["a"]), ["whole numbers", "['a']"]),
    (lambda: L.IntegerLookup(vocabulary=[1])(X), ["array of numbers", "strings in it"]),
    (lambda: T(standardize="lowercase"), ["`standardize`", "Did you mean 'lower'"]),
    (lambda: T(split="white"), ["`split`", "whitespace"]),
    (lambda: T(ngrams=0), ["`ngrams`"]),
    (lambda: T(ngrams=(1, "2")), ["`ngrams`", "'2'"]),
    (lambda: T(output_sequence_length=2.5), ["`output_sequence_length`", "2.5"]),
    (lambda: T(output_mode="count", output_sequence_length=3), ["not 'int'", "=3"]),
    (lambda: T(ragged=True), ["`ragged`", "filled up"]),
    (lambda: T(vocabulary=WORDS)(X), ["(batch, 1)", "(1, 2)", "split=None"]),
    (lambda: T(vocabulary=WORDS)(X[None]), ["(1, 1, 2)"]),
    (lambda: T(vocabulary=WORDS, split=None, ngrams=2)(["a", "b"]), ["(batch, tokens)", "(2,)"]),
    (lambda: T(vocabulary=WORDS, standardize=lambda t: t[:1])(["a", "b"]), ["its input's shape", "(1,)"]),
    (lambda: T(vocabulary=WORDS, split=lambda t: [["a"]])(["a", "b"]), ["each of 2 texts", "1"]),
    (lambda: T(vocabulary=WORDS)(np.ones(3)), ["must be strings"]),
    (lambda: L.Hashing(0), ["`num_bins`"]),
    (lambda: L.Hashing(3, output_mode="tf_idf"), ["`output_mode`"]),
    (lambda: L.Hashing(3, dtype="float32"), ["`dtype`", "int64"]),
    (lambda: L.Hashing(3, salt=-1), ["`salt`"]),
    (lambda: L.Hashing(3, sparse=True), ["`sparse`"]),
    (lambda: numeric().fit(REVIEWS, LIKED, verbose=0), ["strings in it", "TextVectorization"]),
    (lambda: numeric().fit(iter([(REVIEWS, LIKED)]), verbose=0), ["strings in it"]),
    (lambda: numeric().predict(REVIEWS, verbose=0), ["strings in it"]),
    (lambda: numeric()(REVIEWS), ["strings in it"]),
    (lambda: counting().fit(REVIEWS[:, None], REVIEWS, verbose=0), ["'y'", "strings in it"]),
    (lambda: counting().predict(np.ones((2, 1)), verbose=0), ["must be strings"]),
]


@pytest.mark.parametrize(("bad", "words"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_right_gets_a_short_error(bad, words):
    with pytest.raises((ValueError, TypeError, RuntimeError)) as caught:
        bad()
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert len(message.splitlines()) < 15


def test_a_refused_vocabulary_leaves_the_old_one():
    layer = L.StringLookup(vocabulary=WORDS)
    with pytest.raises(ValueError, match="repeated"):
        layer.set_vocabulary(["q", "q"])
    assert layer(["b"]).tolist() == [2] and layer.get_vocabulary() == ["[UNK]", *WORDS]
