"""Records what Keras' own callbacks and progress bar do, for tests/test_callbacks.py.

Run once with Keras 3.15.1 installed:  KERAS_BACKEND=jax python tests/golden/record_callbacks.py
The functions above `main` know nothing of Keras: the test drives minikeras with the same ones.
"""

import contextlib
import io
import json
import random
import sys
from pathlib import Path
from types import SimpleNamespace

FILE = Path(__file__).with_name("callbacks.json")


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    """Time that only passes when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class FakeModel:
    """As much of a model as a callback sees; its one weight is the number of the epoch."""

    def __init__(self, rate=0.1):
        self.stop_training = False
        self.optimizer = SimpleNamespace(learning_rate=rate)
        self.metrics = []
        self.weights = [0]

    def get_weights(self):
        return list(self.weights)

    def set_weights(self, weights):
        self.weights = list(weights)


def drive_fit(callback, values, name="val_loss", rate=0.1):
    """Runs the epochs of a `fit` in which the number `name` takes the given values."""
    model = FakeModel(rate)
    callback.set_model(model)
    callback.on_train_begin({})
    trace = []
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch, {})
        model.weights = [epoch]
        logs = {name: value}
        callback.on_epoch_end(epoch, logs)
        trace.append([float(model.optimizer.learning_rate), logs.get("learning_rate")])
        if model.stop_training:
            break
    callback.on_train_end({})
    return model, trace


def drive_bar(progbar_class, clock, case):
    """The text that a progress bar writes for a list of [seconds, current, values, finalize]."""
    stream = Terminal()
    with contextlib.redirect_stdout(stream):
        bar = progbar_class(case["target"], **case["kwargs"])
        for seconds, current, values, finalize in case["updates"]:
            clock.now += seconds
            bar.update(current, values, finalize)
    return stream.getvalue()


def drive_logger(logger, clock, case):
    """The text of a `fit` with a validation, then of an `evaluate`, or of a `predict`."""
    stream = Terminal()
    with contextlib.redirect_stdout(stream):
        logger.set_params({"verbose": case["verbose"], "epochs": case["epochs"], "steps": case["steps"]})
        if case["kind"] == "fit":
            logger.on_train_begin({})
            for epoch in range(case["epochs"]):
                logger.on_epoch_begin(epoch, {})
                for batch in range(case["batches"]):
                    clock.now += case["seconds"]
                    logger.on_train_batch_end(batch, {"loss": 1 / (batch + 1)})
                logger.on_test_begin({})
                logger.on_test_batch_end(0, {"loss": 5.0})
                logger.on_test_end({"loss": 5.0})
                logger.on_epoch_end(epoch, {"loss": 0.5, "val_loss": 0.25, "z": -2e-4})
        else:
            kind = {"evaluate": "test", "predict": "predict"}[case["kind"]]
            getattr(logger, f"on_{kind}_begin")({})
            for batch in range(case["batches"]):
                clock.now += case["seconds"]
                getattr(logger, f"on_{kind}_batch_end")(batch, {"loss": 0.125})
            getattr(logger, f"on_{kind}_end")({"loss": 0.125} if kind == "test" else {})
    return stream.getvalue()


def recorder(callback_class, label, events):
    """A callback that notes every hook with its arguments, and adds a number of its own to the logs."""

    def note(hook):
        def method(self, *args, **kwargs):
            logs = kwargs.get("logs", args[-1] if args else None)
            events.append([label, hook, args[0] if isinstance(args[0], int) else None, dict(logs)])
            if hook == "on_epoch_end":
                logs[f"added_by_{label}"] = 1.0

        return method

    hooks = [name for name in vars(callback_class) if name.startswith("on_")]
    return type(f"Recorder{label}", (callback_class,), {name: note(name) for name in hooks})()


def drive_list(callbacks_module, events):
    """All hooks of a list with two callbacks, in the order of a `fit` and a `predict`."""
    both = [recorder(callbacks_module.Callback, label, events) for label in "ab"]
    model = FakeModel()
    c = callbacks_module.CallbackList(both, add_history=True, model=model, verbose=0, epochs=2, steps=1)
    c.on_train_begin()
    for epoch in range(2):
        c.on_epoch_begin(epoch)
        c.on_train_batch_begin(0)
        c.on_train_batch_end(0, {"loss": 1.0})
        c.on_test_begin()
        c.on_test_batch_begin(0)
        c.on_test_batch_end(0, {"loss": 2.0})
        c.on_test_end({"loss": 2.0})
        logs = {"loss": 1.0, "val_loss": 2.0}
        c.on_epoch_end(epoch, logs)
    c.on_train_end(logs)
    c.on_predict_begin()
    c.on_predict_batch_begin(0)
    c.on_predict_batch_end(0, {"outputs": 3.0})
    c.on_predict_end()
    return {"history": model.history.history, "epoch": model.history.epoch, "params": model.history.params}


def bar_cases():
    v = [["accuracy", 0.9876543], ["loss", 0.00012345], ["z", -0.5]]
    steady = [[0.1, i, [["loss", 1 / i]], None] for i in range(1, 13)]
    hasty = [[0.02, i, [["loss", 1 / i]], None] for i in range(1, 13)]
    return [
        {"target": 12, "kwargs": {}, "updates": steady},
        {"target": 12, "kwargs": {}, "updates": hasty},
        {"target": 12, "kwargs": {"stateful_metrics": ["loss"]}, "updates": hasty},
        {"target": 12, "kwargs": {"stateless_metrics": ["other"]}, "updates": steady},
        {"target": 12, "kwargs": {"verbose": 2}, "updates": steady},
        {"target": 12, "kwargs": {"verbose": 0}, "updates": steady},
        {
            "target": 3,
            "kwargs": {"width": 7, "unit_name": "sample"},
            "updates": [[2.0, 1, v, None], [2.4, 3, v, None]],
        },
        {
            "target": 100,
            "kwargs": {},
            "updates": [[0.0, 0, None, None], [70.0, 1, v, None], [90.0, 7, v, None]],
        },
        {
            "target": 900,
            "kwargs": {},
            "updates": [[9.0, 2, v, None], [70.0, 3, v, None], [9000.0, 899, v[:1], None]],
        },
        {
            "target": 5,
            "kwargs": {"interval": 0},
            "updates": [[3e-5, i, [["m", 10.0**-i]], None] for i in range(1, 6)],
        },
        {"target": None, "kwargs": {}, "updates": [[0.1, i, [["loss", i]], i == 4] for i in range(1, 5)]},
        {
            "target": 5,
            "kwargs": {"verbose": 2},
            "updates": [[7.0, 5, [["a", -5.0], ["b", 0.001], ["c", 3]], True]],
        },
        {"target": 4, "kwargs": {}, "updates": [[1.0, 6, v, None], [1.0, 4, v[:1], True]]},
    ]


def logger_cases():
    common = {"batches": 3, "seconds": 0.25}
    return [
        {"kind": kind, "verbose": verbose, "epochs": epochs, "steps": steps, **common}
        for kind, epochs in (("fit", 1), ("fit", 2), ("evaluate", 1), ("predict", 1))
        for verbose in (0, 1, 2, "auto")
        for steps in (3, None)
    ]


def stopping_cases():
    rng = random.Random(0)
    cases = []
    for _ in range(80):
        values = [round(rng.uniform(0, 1), 1) for _ in range(10)]
        kwargs = {
            "patience": rng.randint(0, 3),
            "mode": rng.choice(["auto", "min", "max"]),
            "min_delta": rng.choice([0, 0.1, -0.1, 0.3]),
            "baseline": rng.choice([None, None, 0.2, 0.6]),
            "restore_best_weights": rng.random() < 0.5,
            "start_from_epoch": rng.choice([0, 0, 0, 3]),
        }
        cases.append({"values": values, "kwargs": kwargs})
    cases.append({"values": [float("nan"), 0.5, 0.4, 0.3], "kwargs": {"patience": 1}})
    cases.append({"values": [0.5, float("nan"), float("nan"), 0.3], "kwargs": {"patience": 2}})
    cases.append({"values": [0.5, 0.4, 0.6], "kwargs": {"patience": 9, "restore_best_weights": True}})
    return cases


def plateau_cases():
    rng = random.Random(1)
    cases = []
    for _ in range(60):
        values = [round(rng.uniform(0, 1), 1) for _ in range(12)]
        kwargs = {
            "patience": rng.randint(0, 3),
            "mode": rng.choice(["auto", "min", "max"]),
            "factor": rng.choice([0.1, 0.5]),
            "min_delta": rng.choice([1e-4, 0.1, 0.3]),
            "cooldown": rng.randint(0, 2),
            "min_lr": rng.choice([0.0, 0.0, 0.03]),
        }
        cases.append({"values": values, "kwargs": kwargs})
    return cases


STOPPING_STATE = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")


def main():
    import tempfile

    import keras
    from keras.src.utils import progbar as progbar_module

    clock = Clock()
    progbar_module.time = SimpleNamespace(time=clock)
    sys.modules.setdefault("ipykernel", sys)  # Keras then takes any output for a live one
    golden = {"bars": [], "loggers": [], "stopping": [], "plateau": []}
    for case in bar_cases():
        golden["bars"].append(drive_bar(keras.utils.Progbar, clock, case))
    for case in logger_cases():
        golden["loggers"].append(drive_logger(keras.callbacks.ProgbarLogger(), clock, case))
    for case in stopping_cases():
        callback = keras.callbacks.EarlyStopping(verbose=1, **case["kwargs"])
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            model, _ = drive_fit(callback, case["values"])
        state = {name: getattr(callback, name) for name in STOPPING_STATE}
        golden["stopping"].append({**state, "weights": model.weights, "text": text.getvalue()})
    for case in plateau_cases():
        callback = keras.callbacks.ReduceLROnPlateau(**case["kwargs"])
        _, trace = drive_fit(callback, case["values"])
        golden["plateau"].append(
            {"trace": trace, "wait": callback.wait, "cooldown": callback.cooldown_counter}
        )
    events = []
    golden["list"] = drive_list(keras.callbacks, events)
    golden["events"] = events
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.csv")
        logger = keras.callbacks.CSVLogger(str(path), separator=";")
        logger.on_train_begin()
        logger.on_epoch_end(0, {"loss": 0.5, "accuracy": 1, "text": "a;b", "many": [1, 2]})
        logger.on_epoch_end(1, {"loss": 0.25, "val_loss": 3.0, "new": 1})
        logger.on_train_end()
        golden["csv"] = path.read_bytes().decode()
    FILE.write_text(json.dumps(golden, indent=0, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
