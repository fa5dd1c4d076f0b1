"""Records what real Keras' optimizers and schedules do, into optimizers.npz. Needs Keras 3.15.1.

    KERAS_BACKEND=jax python tests/golden/record_optimizers.py

Two variables, a kernel (4, 3) and a bias (3,), are updated with gradients that depend on nothing but
the step number. Recorded are the weights after every step, the state after the last one, and the
state's names.
"""

import json
import os
import warnings

import numpy as np

STEPS = 7
HERE = os.path.dirname(os.path.abspath(__file__))


def start():
    rng = np.random.RandomState(3)
    return rng.standard_normal((4, 3)).astype("float32"), rng.standard_normal(3).astype("float32")


def gradients(step):
    rng = np.random.RandomState(100 + step)
    return rng.standard_normal((4, 3)).astype("float32"), rng.standard_normal(3).astype("float32")


def schedule(name, **config):
    return {"module": "keras.optimizers.schedules", "class_name": name, "config": config}


# name, config, what else: "exclude" from weight decay, "constraint" of the kernel, "missing" bias gradients
CASES = [
    ("SGD", {}, {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}, {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.8, "nesterov": True}, {}),
    ("RMSprop", {"learning_rate": 0.01}, {}),
    ("RMSprop", {"learning_rate": 0.01, "rho": 0.8, "epsilon": 0.01, "centered": True}, {}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.7, "centered": True}, {}),
    ("Adam", {"learning_rate": 0.05}, {}),
    ("Adam", {"learning_rate": 0.05, "beta_1": 0.7, "beta_2": 0.8, "epsilon": 0.1, "amsgrad": True}, {}),
    ("AdamW", {"learning_rate": 0.05, "weight_decay": 0.2}, {}),
    ("AdamW", {"learning_rate": 0.05, "weight_decay": 0.2}, {"exclude": ["bias"]}),
    ("Adamax", {"learning_rate": 0.05, "beta_2": 0.7}, {}),
    ("Nadam", {"learning_rate": 0.05}, {}),
    ("Adagrad", {"learning_rate": 0.1, "epsilon": 0.01}, {}),
    ("Adadelta", {"learning_rate": 5.0, "rho": 0.8}, {}),
    ("Ftrl", {"learning_rate": 0.1}, {}),
    (
        "Ftrl",
        {
            "learning_rate": 0.2,
            "learning_rate_power": -0.7,
            "l1_regularization_strength": 0.3,
            "l2_regularization_strength": 0.05,
            "l2_shrinkage_regularization_strength": 0.02,
            "beta": 0.1,
        },
        {},
    ),
    ("Lion", {"learning_rate": 0.01}, {}),
    ("Lamb", {"learning_rate": 0.02}, {}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.05}, {}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.05, "warmup_steps": 4, "weight_decay": 0.1}, {}),
    ("Adafactor", {"learning_rate": 0.05}, {}),
    ("Adafactor", {"learning_rate": 0.9, "clip_threshold": 0.5, "weight_decay": 0.1}, {}),
    ("Muon", {"learning_rate": 0.05}, {}),
    ("Muon", {"learning_rate": 0.05, "nesterov": False, "rms_rate": None, "weight_decay": 0.1}, {}),
    ("SGD", {"learning_rate": 0.1, "clipnorm": 0.5}, {}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.5}, {}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 50.0}, {}),
    ("SGD", {"learning_rate": 0.1, "clipvalue": 0.4}, {}),
    ("SGD", {"learning_rate": 0.1, "loss_scale_factor": 8.0}, {}),
    ("SGD", {"learning_rate": 0.1, "weight_decay": 0.3, "momentum": 0.5}, {"exclude": ["kernel"]}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.8}, {"finalize": True}),
    ("Adam", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3}, {}),
    ("Adam", {"learning_rate": 0.1, "gradient_accumulation_steps": 3}, {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.5, "gradient_accumulation_steps": 2, "clipnorm": 0.9}, {}),
    (
        "SGD",
        {
            "learning_rate": schedule(
                "ExponentialDecay", initial_learning_rate=0.2, decay_steps=2, decay_rate=0.5
            ),
            "gradient_accumulation_steps": 2,
            "use_ema": True,
            "ema_momentum": 0.6,
            "ema_overwrite_frequency": 2,
        },
        {},
    ),
    (
        "Adam",
        {"learning_rate": schedule("CosineDecay", initial_learning_rate=0.1, decay_steps=5, alpha=0.1)},
        {},
    ),
    ("Adam", {"learning_rate": 0.05}, {"constraint": "UnitNorm"}),
    ("SGD", {"learning_rate": 0.05, "gradient_accumulation_steps": 4}, {"constraint": "MaxNorm"}),
    ("RMSprop", {"learning_rate": 0.05, "weight_decay": 0.1}, {"missing": [1, 3]}),
]

SCHEDULES = [
    schedule("ExponentialDecay", initial_learning_rate=0.2, decay_steps=4, decay_rate=0.7),
    schedule("ExponentialDecay", initial_learning_rate=0.2, decay_steps=6, decay_rate=0.5, staircase=True),
    schedule("InverseTimeDecay", initial_learning_rate=0.2, decay_steps=3, decay_rate=0.6),
    schedule("InverseTimeDecay", initial_learning_rate=0.2, decay_steps=5, decay_rate=0.6, staircase=True),
    schedule("PolynomialDecay", initial_learning_rate=0.2, decay_steps=9),
    schedule(
        "PolynomialDecay",
        initial_learning_rate=0.2,
        decay_steps=7,
        end_learning_rate=0.01,
        power=2.5,
        cycle=True,
    ),
    schedule("PiecewiseConstantDecay", boundaries=[3, 9], values=[0.2, 0.05, 0.01]),
    schedule("CosineDecay", initial_learning_rate=0.2, decay_steps=15, alpha=0.1),
    schedule("CosineDecay", initial_learning_rate=0.02, decay_steps=12, warmup_target=0.2, warmup_steps=5),
    schedule("CosineDecayRestarts", initial_learning_rate=0.2, first_decay_steps=5),
    schedule(
        "CosineDecayRestarts",
        initial_learning_rate=0.2,
        first_decay_steps=4,
        t_mul=1.0,
        m_mul=0.8,
        alpha=0.1,
    ),
    schedule("CosineDecayRestarts", initial_learning_rate=0.2, first_decay_steps=3, t_mul=1.5, m_mul=0.5),
]


def run(keras, name, config, extra):
    """Weights after each step (steps, 15), the state's numbers in one vector, its paths and shapes."""
    kernel, bias = start()
    constraint = getattr(keras.constraints, extra["constraint"])() if "constraint" in extra else None
    layer = keras.layers.Dense(
        3,
        kernel_constraint=constraint,
        name="dense",
        kernel_initializer=lambda *_, **__: kernel,
        bias_initializer=lambda *_, **__: bias,
    )
    keras.Sequential([keras.Input((4,)), layer], name="net")
    variables = [layer.kernel, layer.bias]
    optimizer = getattr(keras.optimizers, name).from_config({**config, "name": "opt"})
    if "exclude" in extra:
        optimizer.exclude_from_weight_decay(var_names=extra["exclude"])
    weights = []
    for step in range(STEPS):
        grads = list(gradients(step))
        if step in extra.get("missing", []):
            grads[1] = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer.apply([None if g is None else keras.ops.convert_to_tensor(g) for g in grads], variables)
        if step == STEPS - 1 and extra.get("finalize"):
            optimizer.finalize_variable_values(variables)
        weights.append(np.concatenate([np.ravel(np.asarray(v)) for v in variables]))
    state = optimizer.variables
    numbers = np.concatenate([np.ravel(np.asarray(v)).astype("float32") for v in state])
    return np.array(weights), numbers, [v.path for v in state], [list(v.shape) for v in state], optimizer


def main():
    import keras

    index, arrays = {"cases": [], "schedules": SCHEDULES}, {}
    for i, (name, config, extra) in enumerate(CASES):
        arrays[f"weights{i}"], arrays[f"state{i}"], paths, shapes, optimizer = run(keras, name, config, extra)
        read_back = optimizer.get_config()
        index["cases"].append(
            {
                "name": name,
                "config": config,
                "extra": extra,
                "paths": paths,
                "shapes": shapes,
                "read_back": read_back,
            }
        )
    for i, config in enumerate(SCHEDULES):
        make = keras.optimizers.schedules.deserialize(dict(config))
        arrays[f"schedule{i}"] = np.array([float(make(step)) for step in range(40)])
    np.savez_compressed(os.path.join(HERE, "optimizers.npz"), index=np.array(json.dumps(index)), **arrays)


if __name__ == "__main__":
    main()
