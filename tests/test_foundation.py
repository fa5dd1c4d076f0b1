"""The ground floor: contexts, variables and their arena, names, the registry, randomness, sums."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from minikeras import config, layers, naming, registry
from minikeras import random as mk_random
from minikeras.context import MAX_VIEWS, Context
from minikeras.numbers import sum_columns, sum_rows
from minikeras.registry import Configurable, Table
from minikeras.variable import Arena, Variable


def test_buffers_are_the_same_memory_next_time():
    ctx = Context()
    a = ctx.buffer("z", (4, 3), "float32")
    assert ctx.buffer("z", (4, 3), "float32") is a
    assert np.shares_memory(a, ctx.buffer("z", (2, 3), "float32"))
    assert not np.shares_memory(a, ctx.buffer("y", (4, 3), "float32"))
    assert not np.shares_memory(a, ctx.buffer("z", (4, 3), "float64"))
    larger = ctx.buffer("z", (40, 3), "float32")
    assert larger.shape == (40, 3)
    assert np.shares_memory(larger, ctx.buffer("z", (4, 3), "float32"))


def test_buffers_of_ever_new_shapes_are_forgotten():
    ctx = Context()
    for n in range(1, 5 * MAX_VIEWS):
        ctx.buffer("z", (n % 700, 2), "float32")
    assert len(ctx._views) <= MAX_VIEWS


def test_children_share_the_pass():
    ctx, v = Context(training=True), Variable(np.zeros(2))
    child = ctx.child(0).child("inner")
    assert ctx.child(0).child("inner") is child
    assert child.training
    assert child.grad(v) is ctx.grad(v)
    child.penalty += 2.0
    assert ctx.penalty == 2.0
    assert child.rng is ctx.rng


def test_saved_only_once_and_not_without_recording():
    ctx = Context()
    with pytest.raises(RuntimeError, match="forward"):
        ctx.saved("x")
    ctx.save(x=1, y=2)
    assert ctx.saved("x", "y") == (1, 2)
    with pytest.raises(RuntimeError, match="forward"):
        ctx.saved("x")
    quiet = Context(recording=False)
    quiet.save(x=1)
    assert not quiet.values
    ctx.save(x=1)
    ctx.child(0).save(y=1)
    ctx.release()
    assert not ctx.values and not ctx.child(0).values


def test_variables_are_assigned_in_place():
    v = Variable([[1.0, 2.0]], name="kernel")
    array = v.value
    v.assign([[3.0, 4.0]])
    v.assign_add([[1.0, 1.0]])
    v.assign_sub([[0.0, 1.0]])
    assert v.value is array
    np.testing.assert_array_equal(np.asarray(v), [[4.0, 4.0]])
    copy_ = v.numpy()
    copy_[...] = 0
    assert (v.value == 4).all()
    with pytest.raises(ValueError, match=r"shape.*kernel"):
        v.assign([1.0])
    assert float(Variable(2.5)) == 2.5 and int(Variable(3)) == 3
    assert (v.shape, v.ndim, v.size, v.dtype.kind) == ((1, 2), 2, 2, "f")
    assert "kernel" in repr(v)


def test_an_arena_packs_variables_without_changing_them():
    variables = [Variable(np.arange(6.0).reshape(2, 3)), Variable(np.array(7.0)), Variable(np.zeros((0, 2)))]
    before = [v.numpy() for v in variables]
    arena = Arena(variables)
    for v, b in zip(variables, before, strict=True):
        np.testing.assert_array_equal(v.value, b)
    arena.values *= 2
    np.testing.assert_array_equal(variables[0].value, 2 * before[0])
    assert arena.holds(variables)
    ctx = Context()
    flat = arena.bind_gradients(ctx)
    ctx.grad(variables[0])[...] = 1
    assert flat.sum() == 6
    Arena(variables[:2])  # another model takes them over
    assert not arena.holds(variables)
    for clone in (copy.deepcopy(variables), pickle.loads(pickle.dumps(variables))):
        assert not Arena(variables).holds(clone)
    assert Arena([]).values.size == 0


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Conv2D", "conv2d"),
        ("MaxPooling2D", "max_pooling2d"),
        ("SimpleRNN", "simple_rnn"),
        ("ReLU", "re_lu"),
        ("LeakyReLU", "leaky_re_lu"),
        ("GlobalAveragePooling1D", "global_average_pooling1d"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("RMSprop", "rm_sprop"),
        ("InputLayer", "input_layer"),
    ],
)
def test_snake_case_is_that_of_keras(name, snake):
    assert naming.to_snake_case(name) == snake


def test_automatic_names_count():
    assert [layers.Dense(1).name for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    naming.reset_names()
    assert layers.Dense(1).name == "dense"


class Point(Configurable):
    def __init__(self, x, y=2, **kwargs):
        self.x, self.y = x, y


def test_config_and_repr_come_from_the_signature():
    p = Point(1, y=3)
    assert p.get_config() == {"x": 1, "y": 3}
    assert Point.from_config(p.get_config()).y == 3
    assert repr(p) == "Point(x=1, y=3)" and repr(Point(1)) == "Point(x=1)"


def test_tables_find_and_suggest():
    table = Table("point", "test.points")
    table.add(Point, "dot")
    assert isinstance(table.create({"class_name": "Point", "config": {"x": 1}}), Point)
    assert table.find("dot") is Point
    with pytest.raises(ValueError, match="Did you mean 'point'"):
        table.find("pont")


def test_registered_objects_and_scopes():
    @registry.register_keras_serializable("here")
    class Own(Point):
        pass

    config_ = registry.serialize(Own(5))
    assert config_["registered_name"] == "here>Own"
    assert isinstance(registry.deserialize(config_), Own)
    with pytest.raises(ValueError, match="Unknown class"):
        registry.deserialize({"class_name": "Foreign", "config": {}})
    with registry.custom_object_scope({"Foreign": Own}):
        assert isinstance(registry.deserialize({"class_name": "Foreign", "config": {"x": 1}}), Own)
    with pytest.raises(ValueError, match="get_config"):
        registry.register_keras_serializable()(type("Bare", (), {}))


@pytest.mark.parametrize("value", [None, 1, 2.5, "a", True, [1, [2]], {"a": {"b": [1]}}])
def test_plain_values_survive(value):
    assert registry.deserialize(registry.serialize(value)) == value


def test_arrays_and_scalars_in_configs():
    array = np.arange(3, dtype="int32")
    back = registry.deserialize(registry.serialize(array))
    assert back.dtype == array.dtype and (back == array).all()
    assert registry.serialize(np.float32(0.5)) == 0.5
    assert registry.serialize(np.dtype("float32")) == "float32"
    with pytest.raises(ValueError, match="cannot be written"):
        registry.serialize(object())


def test_a_config_never_imports_or_runs_anything():
    for evil in ("os.system", "builtins.exec", "eval"):
        for config_ in (
            {"class_name": evil, "config": {}},
            {"module": "os", "class_name": "system", "config": {"command": "true"}},
            {"module": "builtins", "class_name": "function", "config": evil},
        ):
            with pytest.raises(ValueError, match="Unknown"):
                registry.deserialize(config_)


def test_the_default_generator_repeats_after_seeding():
    g = mk_random.default_generator
    g.seed(3)
    first = g.draw_seed(), g.permutation(5).tolist()
    state = g.get_state()
    later = g.draw_seed(), g.permutation(5).tolist()
    g.set_state(state)
    assert (g.draw_seed(), g.permutation(5).tolist()) == later
    g.seed(3)
    assert (g.draw_seed(), g.permutation(5).tolist()) == first


def test_no_global_state_of_numpy_or_python_is_drawn_from():
    import random

    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)
    layers.Dense(3)(np.zeros((1, 2)))
    layers.Dropout(0.5)(np.zeros((1, 2)), training=True)
    mk_random.default_generator.permutation(10)
    assert (random.random(), np.random.random()) == expected


def test_seed_generators():
    g = mk_random.SeedGenerator(5)
    assert g.next().tolist() == [5, 0] and g.next().tolist() == [5, 1]
    assert pickle.loads(pickle.dumps(g)).next().tolist() == [5, 2]
    assert mk_random.SeedGenerator.from_config(g.get_config()).initial_seed == 5
    a, b = (mk_random.normal((3,), seed=mk_random.SeedGenerator(5)) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(mk_random.uniform((3,), seed=g), mk_random.uniform((3,), seed=g))
    with pytest.raises(ValueError, match="seed"):
        mk_random.SeedGenerator("a")


def test_random_functions():
    assert np.abs(mk_random.truncated_normal((500,), seed=1)).max() <= 2
    assert set(mk_random.randint((100,), 0, 3, seed=1)) == {0, 1, 2}
    assert mk_random.truncated_normal((0, 2)).shape == (0, 2)
    x = np.arange(10)
    assert sorted(mk_random.shuffle(x, seed=1)) == x.tolist()
    assert mk_random.uniform((2,), 1, 2).dtype == np.float32


def test_settings():
    assert (config.floatx(), config.epsilon(), config.image_data_format()) == (
        "float32",
        1e-7,
        "channels_last",
    )
    config.set_floatx("float64")
    assert layers.Dense(2)(np.ones((1, 2))).dtype == np.float64
    for bad in (lambda: config.set_floatx("int8"), lambda: config.set_image_data_format("middle")):
        with pytest.raises(ValueError, match=r"int8|middle"):
            bad()
    with pytest.raises(ValueError, match="dtype"):
        layers.Dense(2, dtype="string")
    config.set_epsilon(1e-5)
    assert config.epsilon() == 1e-5
    config.set_epsilon(1e-7)
    config.set_image_data_format("channels_first")
    assert layers.Flatten().data_format == "channels_first"
    config.set_image_data_format("channels_last")


def test_distributions_have_their_means():
    draws = {
        "gamma": (mk_random.gamma((4000,), 3.0, seed=1), 3.0),
        "beta": (mk_random.beta((4000,), 2.0, 6.0, seed=1), 0.25),
        "binomial": (mk_random.binomial((4000,), 10, 0.3, seed=1), 3.0),
        "dropout": (mk_random.dropout(np.ones(4000, "float32"), 0.3, seed=1), 1.0),
    }
    for name, (x, mean) in draws.items():
        assert x.dtype == np.float32 and x.mean() == pytest.approx(mean, rel=0.05), name
    z = np.log([[0.2, 0.8], [0.5, 0.5]])
    classes = mk_random.categorical(z, 4000, seed=1)
    assert classes.shape == (2, 4000) and classes.dtype == np.int32
    np.testing.assert_allclose(classes.mean(axis=1), [0.8, 0.5], atol=0.03)
    rows = mk_random.dropout(np.ones((50, 4)), 0.5, noise_shape=(None, 1), seed=1)
    assert set(rows.ravel()) == {0, 2} and (rows == rows[:, :1]).all()
    assert not mk_random.dropout(np.ones(3), 1.0).any()


@pytest.mark.parametrize("columns", range(1, 10))
def test_sums_of_columns_and_of_rows(columns):
    x = np.random.default_rng(0).normal(size=(3, 7, columns)).astype("float32")
    out = np.empty((3, 7), "float32")
    assert sum_columns(x, out=out) is out
    np.testing.assert_allclose(out, x.sum(axis=2), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(sum_columns(x), out)
    np.testing.assert_allclose(sum_rows(x), x.sum(axis=(0, 1)), rtol=1e-5, atol=1e-6)
