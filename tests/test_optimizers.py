"""Optimizers against textbook loops, against recorded numbers of Keras, and their common mechanics."""

import copy
import inspect
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikeras import constraints, optimizers
from minikeras.optimizers import _layout, schedules
from minikeras.optimizers.base import Optimizer
from minikeras.variable import Arena, Variable

GOLDEN = np.load(Path(__file__).parent / "golden" / "optimizers.npz")
INDEX = json.loads(str(GOLDEN["index"]))
NAMES = sorted(set(optimizers._table.classes))


def variables(shapes=((4, 3), (3,)), dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    made = []
    for i, shape in enumerate(shapes):
        v = Variable(rng.standard_normal(shape).astype(dtype), name="bias" if len(shape) == 1 else "kernel")
        v.path = f"net/layer_{i}/{v.name}"
        made.append(v)
    return made


def gradient(arena, seed):
    return np.random.default_rng(1000 + seed).standard_normal(arena.values.size).astype(arena.values.dtype)


# The rules, one variable at a time, as in the papers. s is the variable's memory, h the options.


def sgd(w, g, t, lr, s, h):
    mu = h.get("momentum", 0.0)
    s["m"] = mu * s.get("m", 0.0) - lr * g
    return w + mu * s["m"] - lr * g if h.get("nesterov") else w + s["m"]


def rmsprop(w, g, t, lr, s, h):
    rho, eps = h.get("rho", 0.9), h.get("epsilon", 1e-7)
    s["v"] = rho * s.get("v", 0.0) + (1 - rho) * g**2
    s["a"] = rho * s.get("a", 0.0) + (1 - rho) * g
    variance = s["v"] - s["a"] ** 2 if h.get("centered") else s["v"]
    s["m"] = h.get("momentum", 0.0) * s.get("m", 0.0) + lr * g / np.sqrt(variance + eps)
    return w - s["m"]


def moments(g, t, s, b1, b2):
    s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * g**2
    return s["m"], s["v"]


def adam(w, g, t, lr, s, h):
    b1, b2, eps = h.get("beta_1", 0.9), h.get("beta_2", 0.999), h.get("epsilon", 1e-7)
    m, v = moments(g, t, s, b1, b2)
    s["max"] = np.maximum(s.get("max", 0.0), v)
    v = s["max"] if h.get("amsgrad") else v
    return w - lr * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps)


def adamw(w, g, t, lr, s, h):
    return adam(w - lr * h.get("weight_decay", 0.004) * w, g, t, lr, s, h)


def adamax(w, g, t, lr, s, h):
    s["m"] = 0.9 * s.get("m", 0.0) + 0.1 * g
    s["u"] = np.maximum(0.999 * s.get("u", 0.0), np.abs(g))
    return w - lr / (1 - 0.9**t) * s["m"] / (s["u"] + 1e-7)


def nadam(w, g, t, lr, s, h):
    m, v = moments(g, t, s, 0.9, 0.999)
    u = [0.9 * (1 - 0.5 * 0.96**i) for i in range(1, t + 2)]
    m_hat = u[t] * m / (1 - math.prod(u)) + (1 - u[t - 1]) * g / (1 - math.prod(u[:t]))
    return w - lr * m_hat / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)


def adagrad(w, g, t, lr, s, h):
    s["a"] = s.get("a", 0.1) + g**2
    return w - lr * g / np.sqrt(s["a"] + 1e-7)


def adadelta(w, g, t, lr, s, h):
    s["G"] = 0.95 * s.get("G", 0.0) + 0.05 * g**2
    d = np.sqrt(s.get("D", 0.0) + 1e-7) / np.sqrt(s["G"] + 1e-7) * g
    s["D"] = 0.95 * s.get("D", 0.0) + 0.05 * d**2
    return w - lr * d


def ftrl(w, g, t, lr, s, h):
    l1, l2 = h.get("l1_regularization_strength", 0.0), h.get("beta", 0.0) / (2 * lr)
    n, z = s.get("n", 0.1), s.get("z", 0.0)
    s["n"] = n + g**2
    s["z"] = z + g - (np.sqrt(s["n"]) - np.sqrt(n)) / lr * w
    return (np.clip(s["z"], -l1, l1) - s["z"]) / (np.sqrt(s["n"]) / lr + 2 * l2)


def lion(w, g, t, lr, s, h):
    m = s.get("m", 0.0)
    s["m"] = 0.99 * m + 0.01 * g
    return w - lr * np.sign(0.9 * m + 0.1 * g)


def lamb(w, g, t, lr, s, h):
    m, v = moments(g, t, s, 0.9, 0.999)
    u = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
    return w - lr * np.linalg.norm(w) / np.linalg.norm(u) * u


def schedule_free(w, g, t, lr, s, h):
    z, x = s.get("z", w), s.get("x", w)
    s["v"] = 0.999 * s.get("v", 0.0) + 0.001 * g**2
    s["z"] = z - lr * g / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)
    s["x"] = (1 - 1 / t) * x + s["z"] / t
    return 0.1 * s["z"] + 0.9 * s["x"]


def adafactor(w, g, t, lr, s, h):
    beta = 1 - t**-0.8
    square = g**2 + 1e-30
    if w.ndim == 2:
        s["r"] = beta * s.get("r", 0.0) + (1 - beta) * square.mean(1)
        s["c"] = beta * s.get("c", 0.0) + (1 - beta) * square.mean(0)
        v = np.outer(s["r"], s["c"]) / s["r"].mean()
    else:
        v = s["v"] = beta * s.get("v", 0.0) + (1 - beta) * square
    u = g / np.sqrt(v)
    u /= max(1.0, np.sqrt(np.mean(u**2)))
    return w - max(1e-3, np.sqrt(np.mean(w**2))) * min(lr, 1 / math.sqrt(t)) * u


def muon(w, g, t, lr, s, h):
    if w.ndim != 2:
        return adam(w * (1 - lr * 0.004), g, t, lr, s, {})
    s["m"] = 0.95 * s.get("m", 0.0) + g
    x = g + 0.95 * s["m"]
    u, sigma, vt = np.linalg.svd(x, full_matrices=False)
    sigma = sigma / (np.linalg.norm(x) + 1e-7)
    for _ in range(5):  # the iteration acts on each singular value by itself
        sigma = 3.4445 * sigma - 4.775 * sigma**3 + 2.0315 * sigma**5
    return w * (1 - lr * 0.004) - lr * 0.2 * math.sqrt(max(w.shape)) * (u * sigma) @ vt


RULES = [
    ("SGD", sgd, {}),
    ("SGD", sgd, {"momentum": 0.9}),
    ("SGD", sgd, {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", rmsprop, {}),
    ("RMSprop", rmsprop, {"centered": True, "epsilon": 1e-3}),
    ("RMSprop", rmsprop, {"momentum": 0.5, "rho": 0.7}),
    ("RMSprop", rmsprop, {"momentum": 0.5, "centered": True, "epsilon": 1e-3}),
    ("Adam", adam, {}),
    ("Adam", adam, {"beta_1": 0.5, "beta_2": 0.7, "epsilon": 0.1}),
    ("Adam", adam, {"amsgrad": True, "beta_2": 0.5}),
    ("AdamW", adamw, {}),
    ("AdamW", adamw, {"weight_decay": 0.3}),
    ("Adamax", adamax, {}),
    ("Nadam", nadam, {}),
    ("Adagrad", adagrad, {}),
    ("Adadelta", adadelta, {}),
    ("Ftrl", ftrl, {}),
    ("Ftrl", ftrl, {"l1_regularization_strength": 0.2, "beta": 0.3}),
    ("Lion", lion, {}),
    ("Lamb", lamb, {}),
    ("ScheduleFreeAdamW", schedule_free, {}),
    ("Adafactor", adafactor, {}),
    ("Muon", muon, {}),
]


def test_every_optimizer_has_a_textbook_rule_and_recorded_numbers():
    assert {name for name, _, _ in RULES} == set(NAMES)
    assert {case["name"] for case in INDEX["cases"]} == set(NAMES)


@pytest.mark.parametrize(("name", "rule", "options"), RULES)
@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("block", [4, 32768])
def test_rule_equals_textbook(name, rule, options, flat, block, monkeypatch):
    """In float64, over blocks that cut through the variables and over one that holds them all."""
    monkeypatch.setattr(_layout, "BLOCK", block)
    made = variables(((5, 3), (3,), (2, 6)), "float64")
    optimizer = getattr(optimizers, name)(learning_rate=0.05, **options)
    lr = float(optimizer.learning_rate)
    expected, memory = [v.numpy() for v in made], [{} for _ in made]
    arena = Arena(made)
    with np.errstate(all="raise", under="ignore"):
        for t in range(1, 9):
            g = gradient(arena, t)
            parts = arena.split(g.copy())
            expected = [
                rule(w, gw, t, lr, s, options) for w, gw, s in zip(expected, parts, memory, strict=True)
            ]
            if flat:
                optimizer.apply_flat(arena, g)
            else:
                optimizer.apply(parts, made)
            for v, w in zip(made, expected, strict=True):
                np.testing.assert_allclose(v.value, w, rtol=1e-6, atol=1e-9)  # u_product is float32
    assert int(optimizer.iterations) == len(range(optimizer.iterations)) == 8


def play(case, flat):
    """Repeat a recorded case; the weights after each step, and the optimizer."""
    rng = np.random.RandomState(3)
    extra = case["extra"]
    constraint = constraints.get(extra.get("constraint"))
    made = [
        Variable(rng.standard_normal((4, 3)).astype("float32"), "kernel", constraint=constraint),
        Variable(rng.standard_normal(3).astype("float32"), "bias"),
    ]
    for v in made:
        v.path = f"net/dense/{v.name}"
    config = {**case["config"], "name": "opt"}
    optimizer = optimizers.deserialize({"class_name": case["name"], "config": config})
    if "exclude" in extra:
        optimizer.exclude_from_weight_decay(var_names=extra["exclude"])
    arena = Arena(made) if flat else None
    weights = []
    steps = len(GOLDEN["weights0"])
    for step in range(steps):
        rng = np.random.RandomState(100 + step)
        grads = [rng.standard_normal((4, 3)).astype("float32"), rng.standard_normal(3).astype("float32")]
        if step in extra.get("missing", []):
            with pytest.warns(UserWarning, match="net/dense/bias"):
                optimizer.apply([grads[0], None], made)
        elif flat:
            optimizer.apply_flat(arena, np.concatenate([g.ravel() for g in grads]))
        else:
            optimizer.apply_gradients(zip(grads, made, strict=True))
        if step == steps - 1 and extra.get("finalize"):
            optimizer.finalize_variable_values(made)
        weights.append(np.concatenate([v.value.ravel() for v in made]))
    return np.array(weights), optimizer


@pytest.mark.parametrize("i", range(len(INDEX["cases"])))
@pytest.mark.parametrize("flat", [True, False])
def test_weights_and_state_equal_keras(i, flat):
    case = INDEX["cases"][i]
    weights, optimizer = play(case, flat)
    np.testing.assert_allclose(weights, GOLDEN[f"weights{i}"], rtol=1e-5, atol=3e-6)
    state = optimizer.variables
    assert [v.path for v in state] == case["paths"]
    assert [list(v.shape) for v in state] == case["shapes"]
    numbers = np.concatenate([np.ravel(v.value) for v in state])
    np.testing.assert_allclose(numbers, GOLDEN[f"state{i}"], rtol=1e-5, atol=3e-6)


@pytest.mark.parametrize("i", range(len(INDEX["cases"])))
def test_config_equals_keras_and_comes_back(i):
    case = INDEX["cases"][i]
    made = optimizers.get(
        {"class_name": case["name"].lower(), "config": {**case["config"], "name": "opt"}, "module": None}
    )
    config = json.loads(json.dumps(made.get_config()))
    assert config == case["read_back"]
    if case["name"] != "Muon":  # whose keys Keras writes in an order of their own
        assert list(config) == list(case["read_back"])
    again = type(made).from_config(config)
    assert again.get_config() == made.get_config()
    assert optimizers.deserialize(optimizers.serialize(made)).get_config() == made.get_config()


# Common mechanics


@given(
    shapes=st.lists(st.sampled_from([(), (1,), (7,), (2, 3), (4, 1, 2)]), min_size=1, max_size=6),
    block=st.integers(1, 9),
    undecayed=st.sets(st.integers(0, 5)),
    name=st.sampled_from(NAMES),
)
@settings(deadline=None, max_examples=60)
def test_blocks_do_not_change_the_result(shapes, block, undecayed, name):
    """However the weights are cut and packed, each weight's update is the same."""
    results = []
    for size, packed in ((10**6, True), (block, True), (block, False)):
        before, _layout.BLOCK = _layout.BLOCK, size
        try:
            made = variables(shapes, "float64")
            optimizer = getattr(optimizers, name)(learning_rate=0.1, weight_decay=0.5)
            optimizer.exclude_from_weight_decay([v for i, v in enumerate(made) if i in undecayed])
            arena = Arena(made)
            for step in range(3):
                g = gradient(arena, step)
                if packed:
                    optimizer.apply_flat(arena, g)
                else:
                    optimizer.apply(arena.split(g), made)
            results.append(arena.values)
        finally:
            _layout.BLOCK = before
    np.testing.assert_allclose(results[1], results[0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(results[2], results[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_dtype_stays_and_gradient_is_left_alone(name):
    made = variables()
    arena = Arena(made)
    optimizer = getattr(optimizers, name)()
    g = gradient(arena, 0)
    g.flags.writeable = False
    optimizer.apply_flat(arena, g)
    assert arena.values.dtype == np.float32
    assert all(v.value.base is arena.values for v in made)
    assert {v.dtype for v in optimizer.variables[1:]} == {np.dtype("float32")}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_copy_in_the_middle_goes_on_alike(name, how):
    made = variables()
    arena = Arena(made)
    optimizer = getattr(optimizers, name)(
        learning_rate=0.1, use_ema=True, ema_overwrite_frequency=2, gradient_accumulation_steps=2
    )
    for step in range(3):
        optimizer.apply_flat(arena, gradient(arena, step))
    assert len(optimizer.variables) > 2  # whose views must not go stale
    pair = (made, optimizer)
    made2, optimizer2 = copy.deepcopy(pair) if how == "deepcopy" else pickle.loads(pickle.dumps(pair))
    arena2 = Arena(made2)
    for step in range(3, 7):
        optimizer.apply_flat(arena, gradient(arena, step))
        optimizer2.apply_flat(arena2, gradient(arena, step))
    np.testing.assert_array_equal(arena.values, arena2.values)
    for a, b in zip(optimizer.variables, optimizer2.variables, strict=True):
        np.testing.assert_array_equal(a.value, b.value)


@pytest.mark.parametrize("name", NAMES)
def test_state_can_be_moved_through_variables(name):
    made = variables()
    arena = Arena(made)
    one, two = (getattr(optimizers, name)(learning_rate=0.1, name="x") for _ in range(2))
    for step in range(3):
        one.apply_flat(arena, gradient(arena, step))
    store = {}
    one.save_own_variables(store)
    other = Arena(copy.deepcopy(made))
    two.build(other.variables)
    two.load_own_variables(store)
    one.apply_flat(arena, gradient(arena, 5))
    two.apply_flat(other, gradient(arena, 5))
    np.testing.assert_array_equal(arena.values, other.values)
    two.set_weights([v.numpy() for v in one.variables])
    assert int(two.iterations) == int(one.iterations)
    with pytest.warns(UserWarning, match="Skipping variable loading"):
        two.load_own_variables({"0": np.array(1)})


def test_frozen_layer_keeps_the_others_momentum():
    """An arena without some of the variables, and then with all again."""
    made = variables(((4, 3), (3,), (2, 2), (2,)))
    reference = [copy.deepcopy(v) for v in made]
    optimizer = optimizers.Adam(learning_rate=0.1)
    textbook = [{} for _ in made]
    t = 0
    for trained in ([0, 1, 2, 3], [2, 3], [3, 0], [0, 1, 2, 3]):
        arena = Arena([made[i] for i in trained])
        for _ in range(2):
            t += 1
            g = gradient(arena, t)
            for i, gw in zip(trained, arena.split(g.copy()), strict=True):
                reference[i].value = adam(
                    reference[i].value, gw, t, float(optimizer.learning_rate), textbook[i], {}
                )
            optimizer.apply_flat(arena, g)
    for v, r in zip(made, reference, strict=True):
        np.testing.assert_allclose(v.value, r.value, rtol=1e-4, atol=1e-5)


def test_unknown_variables_are_refused():
    optimizer = optimizers.SGD()
    optimizer.build(variables())
    stranger = variables()
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply_flat(Arena(stranger), np.zeros(15, "float32"))
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply([np.zeros((4, 3)), np.zeros(3)], stranger)


def test_apply_checks_what_it_is_given():
    made = variables()
    optimizer = optimizers.SGD()
    optimizer.apply([], made)
    assert int(optimizer.iterations) == 0
    with pytest.raises(ValueError, match="build"):
        optimizer.apply([np.zeros((4, 3)), np.zeros(3)])
    with pytest.raises(ValueError, match="No gradients provided"):
        optimizer.apply([None, None], made)
    with pytest.raises(ValueError, match="1 gradients for 2"):
        optimizer.apply([np.zeros((4, 3))], made)
    with pytest.raises(ValueError, match=r"shape \(3, 4\), expected \(4, 3\)"):
        optimizer.apply([np.zeros((3, 4)), np.zeros(3)], made)
    before = made[0].numpy()
    optimizer.apply([np.ones((4, 3)), np.ones(3)])
    np.testing.assert_allclose(made[0].value, before - 0.01, rtol=1e-6)
    assert made[0].dtype == np.float32


def test_apply_leaves_the_users_arrays_alone():
    made = variables()
    grads = [np.full(v.shape, 3.0, "float32") for v in made]
    for g in grads:
        g.flags.writeable = False
    optimizers.SGD(clipnorm=0.1, loss_scale_factor=2.0).apply(grads, made)
    assert grads[0][0, 0] == 3.0


@given(scale=st.floats(0.01, 100.0), limit=st.floats(0.1, 10.0))
@settings(deadline=None, max_examples=50)
def test_clipping(scale, limit):
    def step(**options):
        made = variables(dtype="float64")
        before = [v.numpy() for v in made]
        grads = [scale * np.random.default_rng(5).standard_normal(v.shape) for v in made]
        optimizers.SGD(learning_rate=1.0, **options).apply(grads, made)
        return grads, [b - v.value for b, v in zip(before, made, strict=True)]

    grads, moved = step(clipnorm=limit)
    for g, d in zip(grads, moved, strict=True):
        np.testing.assert_allclose(d, g * min(1.0, limit / np.linalg.norm(g)), rtol=1e-9, atol=1e-12)
    grads, moved = step(global_clipnorm=limit)
    norm = math.sqrt(sum((g**2).sum() for g in grads))
    for g, d in zip(grads, moved, strict=True):
        np.testing.assert_allclose(d, g * min(1.0, limit / norm), rtol=1e-9, atol=1e-12)
    grads, moved = step(clipvalue=limit)
    for g, d in zip(grads, moved, strict=True):
        np.testing.assert_allclose(d, np.clip(g, -limit, limit), rtol=1e-9, atol=1e-12)


def test_infinite_gradient_is_not_clipped_into_a_small_one():
    made = variables()
    grads = [np.full((4, 3), np.inf), np.ones(3)]
    with np.errstate(all="ignore"):
        optimizers.SGD(global_clipnorm=1.0).apply(grads, made)
    assert np.isnan(made[0].value).all()
    assert np.isnan(made[1].value).all()


def test_zero_gradient_survives_clipping():
    made = variables()
    before = made[0].numpy()
    with np.errstate(all="raise"):
        optimizers.SGD(clipnorm=1.0).apply([np.zeros((4, 3)), np.zeros(3)], made)
    np.testing.assert_array_equal(made[0].value, before)


def test_accumulated_steps_equal_one_step_with_the_mean():
    one, four = variables(dtype="float64"), variables(dtype="float64")
    a, b = Arena(one), Arena(four)
    plain, saving = optimizers.Adam(0.1), optimizers.Adam(0.1, gradient_accumulation_steps=4)
    for update in range(3):
        parts = [gradient(a, 4 * update + k) for k in range(4)]
        for k, part in enumerate(parts):
            before = b.values.copy()
            saving.apply_flat(b, part.copy())
            assert (before == b.values).all() == (k < 3)
        plain.apply_flat(a, sum(parts) / 4)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-12)
    assert saving.iterations == 3
    assert saving.variables[0].value == 12


def test_average_of_the_weights():
    made = variables(dtype="float64")
    arena = Arena(made)
    optimizer = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.75)
    average = None
    for step in range(5):
        optimizer.apply_flat(arena, gradient(arena, step))
        average = arena.values.copy() if average is None else 0.75 * average + 0.25 * arena.values
    assert not np.allclose(arena.values, average)
    optimizer.finalize_variable_values(made)
    np.testing.assert_allclose(arena.values, average, rtol=1e-12)


def test_constraint_is_applied_after_the_update_and_in_the_arena():
    made = [Variable(np.full((2, 2), 0.05, "float32"), constraint=constraints.NonNeg())]
    arena = Arena(made)
    optimizers.SGD(0.1).apply_flat(arena, np.array([1.0, -1.0, 1.0, -1.0], "float32"))
    np.testing.assert_allclose(arena.values, [0.0, 0.15, 0.0, 0.15], rtol=1e-6)


def test_zero_sized_and_no_variables():
    made = [Variable(np.zeros((0, 3), "float32")), Variable(np.ones(2, "float32"))]
    arena = Arena(made)
    optimizer = optimizers.Adam(0.1)
    optimizer.apply_flat(arena, np.ones(2, "float32"))
    np.testing.assert_allclose(arena.values, 0.9, rtol=1e-5)


def test_a_users_own_rule():
    class SignSGD(Optimizer):
        def __init__(self, learning_rate=0.5, power=1.0, **options):
            self.power = power
            super().__init__(learning_rate, **options)

        def update(self, w, g, scratch, slots, scalars):
            w -= scalars[0] * np.sign(g)

    made = variables()
    before = made[1].numpy()
    optimizer = SignSGD(power=2.0, clipvalue=1.0)
    optimizer.apply([np.ones((4, 3)), -np.ones(3)], made)
    np.testing.assert_allclose(made[1].value, before + 0.5, rtol=1e-6)
    assert optimizer.name == "sign_sgd"
    assert SignSGD.from_config(optimizer.get_config()).power == 2.0
    with pytest.raises(NotImplementedError, match="update"):
        Optimizer(0.1).apply([np.ones((4, 3)), np.ones(3)], made)


# Learning rate


def test_learning_rate_can_be_read_set_and_computed_with():
    optimizer = optimizers.SGD(0.005)
    assert float(optimizer.learning_rate) == float(np.float32(0.005))
    assert float(np.asarray(optimizer.learning_rate)) == float(np.float32(0.005))
    assert f"{optimizer.learning_rate:.3f}" == "0.005"
    assert optimizer.learning_rate * 2 == np.float32(0.01)
    optimizer.learning_rate = 0.25
    optimizer.learning_rate.assign(optimizer.learning_rate * 0.5)
    assert optimizer.learning_rate == 0.125
    assert len({optimizer.learning_rate, optimizer.iterations}) == 2
    made = variables()
    before = made[1].numpy()
    optimizer.apply([np.ones((4, 3)), np.ones(3)], made)
    np.testing.assert_allclose(made[1].value, before - 0.125, rtol=1e-6)
    with pytest.raises(ValueError, match="could not convert"):
        optimizer.learning_rate = "fast"


def test_learning_rate_as_schedule_and_function():
    optimizer = optimizers.SGD(schedules.PiecewiseConstantDecay([0, 2], [0.5, 0.25, 0.125]))
    made = [Variable(np.zeros(1, "float32"))]
    seen = []
    for _ in range(5):
        seen.append(float(optimizer.learning_rate))
        optimizer.apply([np.ones(1)], made)
    assert seen == [0.5, 0.25, 0.25, 0.125, 0.125]
    np.testing.assert_allclose(made[0].value, [-sum(seen)])
    assert [v.path for v in optimizer.variables] == ["sgd/iteration"] or optimizer.name != "sgd"
    with pytest.raises(TypeError, match="not settable"):
        optimizer.learning_rate = 0.1
    optimizer.learning_rate = lambda: 0.75
    assert optimizer.learning_rate == np.float32(0.75)
    optimizer.learning_rate = 0.1
    assert float(optimizer.learning_rate) == float(np.float32(0.1))


# Arguments


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.SGD(learning_rate="a"), "learning_rate"),
        (lambda: optimizers.SGD(learning_rate=1), "learning_rate"),
        (lambda: optimizers.SGD(learning_rate=np.float32(0.1)), "learning_rate"),
        (lambda: optimizers.SGD(0.1, momentum=1.5), "momentum"),
        (lambda: optimizers.SGD(0.1, momentum=-0.5), "momentum"),
        (lambda: optimizers.SGD(lerning_rate=0.1), "Did you mean 'learning_rate'"),
        (lambda: optimizers.SGD(lr=0.1), "Did you mean 'learning_rate'"),
        (lambda: optimizers.Adam(beta1=0.1), "Did you mean 'beta_1'"),
        (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=0.5), "only one clip"),
        (lambda: optimizers.Adam(clipnorm=-1.0), "clipnorm"),
        (lambda: optimizers.Adam(use_ema=True, ema_momentum=2.0), "ema_momentum"),
        (lambda: optimizers.Adam(use_ema=True, ema_overwrite_frequency=1.5), "ema_overwrite_frequency"),
        (lambda: optimizers.Adam(gradient_accumulation_steps=1), "gradient_accumulation_steps"),
        (lambda: optimizers.AdamW(weight_decay=None), "weight_decay"),
        (lambda: optimizers.Lion(beta_1=0.0), "beta_1"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "learning_rate_power"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-0.5), "l1_regularization_strength"),
        (lambda: optimizers.Adagrad(initial_accumulator_value=-1.0), "initial_accumulator_value"),
        (lambda: optimizers.get("nope"), "nope"),
        (lambda: optimizers.get("adan"), "Did you mean 'adam'"),
        (lambda: optimizers.get(3), "3"),
        (lambda: optimizers.get(optimizers.Adam), r"Adam\(\)"),
        (lambda: optimizers.get({"class_name": "Adamm", "config": {}}), "Adam"),
        (lambda: optimizers.get({"config": {}}), "Could not interpret"),
        (lambda: optimizers.SGD().set_weights([]), "build"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_names_in_any_case():
    for name in ("adam", "Adam", "ADAM", "rmsprop", "RMSprop", "sgd", "AdamW", "nadam", "ftrl"):
        assert type(optimizers.get(name)).__name__.lower() == name.lower()
    optimizer = optimizers.Adam()
    assert optimizers.get(optimizer) is optimizer
    assert optimizers.get(None) is None


def test_signature_is_keras_whole_one():
    """Positional order as in Keras; AdamW has the weight decay second."""
    common = ["weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum"]
    common += ["ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps", "name"]
    assert list(inspect.signature(optimizers.SGD).parameters) == [
        "learning_rate",
        "momentum",
        "nesterov",
        *common,
    ]
    adamw = list(inspect.signature(optimizers.AdamW).parameters)
    assert adamw[:3] == ["learning_rate", "weight_decay", "beta_1"]
    made = optimizers.AdamW(0.1, 0.2, 0.3, 0.4, 0.5, True, 0.6)
    assert (made.weight_decay, made.beta_1, made.amsgrad, made.clipnorm) == (0.2, 0.3, True, 0.6)
    assert optimizers.SGD(0.1, 0.2, True, 0.3, 0.4).clipnorm == 0.4


def test_old_decay_argument_warns():
    with pytest.warns(UserWarning, match="decay"):
        optimizers.SGD(0.1, decay=1e-6)


def test_repr_shows_what_differs():
    assert repr(optimizers.Adam(0.01, beta_1=0.8)) == "Adam(learning_rate=0.01, beta_1=0.8)"
    assert repr(optimizers.AdamW()) == "AdamW()"
    schedule = schedules.CosineDecay(0.1, 10)
    assert repr(optimizers.SGD(schedule)) == f"SGD(learning_rate={schedule!r})"
