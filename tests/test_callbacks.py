"""Callbacks and the progress bar, compared with what Keras' own did (tests/golden/record_callbacks.py)."""

import gc
import importlib.util
import io
import json
import logging
import pickle
import re
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikeras import callbacks, utils
from minikeras.callbacks.base import overrides
from minikeras.utils import progbar as progbar_module

GOLDEN_FOLDER = Path(__file__).parent / "golden"
spec = importlib.util.spec_from_file_location("record_callbacks", GOLDEN_FOLDER / "record_callbacks.py")
record = importlib.util.module_from_spec(spec)
spec.loader.exec_module(record)
GOLDEN = json.loads(record.FILE.read_text())


@pytest.fixture
def clock(monkeypatch):
    clock = record.Clock()
    monkeypatch.setattr(progbar_module, "perf_counter", clock)
    monkeypatch.delenv("TERM", raising=False)
    return clock


def screen(text):
    """What a terminal shows in the end: its lines, after carriage returns and backspaces."""
    lines, line, column = [], [], 0
    for char in re.sub(r"\x1b\[\d+m", "", text):
        if char == "\n":
            lines.append("".join(line).rstrip())
            line, column = [], 0
        elif char == "\r":
            column = 0
        elif char == "\b":
            column = max(column - 1, 0)
        else:
            line[column : column + 1] = [char]
            column += 1
    return lines, "".join(line).rstrip()


# The progress bar


@pytest.mark.parametrize("index", range(len(record.bar_cases())))
def test_the_bar_is_keras_bar_to_the_character(clock, index):
    case = record.bar_cases()[index]
    assert record.drive_bar(utils.Progbar, clock, case) == GOLDEN["bars"][index]


@pytest.mark.parametrize("index", range(len(record.logger_cases())))
def test_the_logger_writes_what_keras_writes(clock, index):
    case = record.logger_cases()[index]
    assert record.drive_logger(callbacks.ProgbarLogger(), clock, case) == GOLDEN["loggers"][index]


@pytest.mark.parametrize("verbose", [1, 2])
def test_output_that_cannot_be_overwritten_gets_one_plain_line_per_epoch(clock, capsys, verbose):
    c = callbacks.CallbackList(add_progbar=True, verbose=verbose, epochs=2, steps=3)
    c.on_train_begin()
    for epoch in range(2):
        c.on_epoch_begin(epoch)
        assert not c.wants_train_batches
        for batch in range(3):
            clock.now += 0.5
            c.on_train_batch_end(batch, lambda: pytest.fail("nobody looks at these logs"))
        c.on_epoch_end(epoch, {"accuracy": 0.75, "loss": 0.5})
    line = "3/3 - 2s - 500ms/step - accuracy: 0.7500 - loss: 0.5000\n"
    assert capsys.readouterr().out == f"Epoch 1/2\n{line}Epoch 2/2\n{line}"


def test_a_dumb_terminal_is_not_live(monkeypatch):
    monkeypatch.setattr(sys, "stdout", record.Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert utils.Progbar(3).live
    monkeypatch.setenv("TERM", "dumb")
    assert not utils.Progbar(3).live


def test_a_notebook_is_live_though_it_is_no_terminal(monkeypatch):
    out_stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})
    monkeypatch.setattr(sys, "stdout", out_stream())
    assert utils.Progbar(3).live
    monkeypatch.setattr(sys, "stdout", io.StringIO())  # redirected inside a notebook
    assert not utils.Progbar(3).live


def test_no_console_and_old_code_pages(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    utils.Progbar(1).update(1, [("loss", 1.0)])
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    stream.isatty = lambda: True
    monkeypatch.delenv("TERM", raising=False)
    monkeypatch.setattr(sys, "stdout", stream)
    utils.Progbar(1, width=5).update(1)
    assert b"=====" in raw.getvalue()


def test_logging_instead_of_printing(capsys, caplog):
    utils.disable_interactive_logging()
    try:
        assert not utils.is_interactive_logging_enabled()
        with caplog.at_level(logging.INFO, "minikeras"):
            utils.Progbar(2).update(2, [("loss", 1.0)])
    finally:
        utils.enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert caplog.messages[0].startswith("2/2 - 0s") and caplog.messages[0].endswith("loss: 1.0000")


def test_a_metric_is_either_averaged_or_not():
    with pytest.raises(ValueError, match="only one"):
        utils.Progbar(3, stateful_metrics=["a"], stateless_metrics=["b"])


def test_add_counts_on(clock, capsys):
    bar = utils.Progbar(5)
    bar.add(2)
    assert capsys.readouterr().out == ""
    bar.add(3, [("loss", 2.0)])
    assert capsys.readouterr().out.startswith("5/5 - 0s")


updates = st.lists(
    st.tuples(st.floats(0, 5000), st.dictionaries(st.sampled_from("abc"), st.floats(-1e3, 1e3), max_size=3)),
    min_size=1,
    max_size=12,
)


@given(updates, st.sampled_from([None, 0, 1]), st.booleans())
def test_nothing_of_an_earlier_bar_is_left_on_the_screen(steps, extra, logger):
    """The line in the end is the same as if only the last update had been drawn."""
    target = None if extra is None else len(steps) + extra
    clock = record.Clock()
    stream = record.Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progbar_module, "perf_counter", clock)
        patch.delenv("TERM", raising=False)
        patch.setattr(sys, "stdout", stream)
        bar = utils.Progbar(target, interval=0, stateless_metrics=() if logger else None)
        for i, (seconds, values) in enumerate(steps, 1):
            clock.now += seconds
            bar.update(i, values.items(), finalize=i == len(steps))
    lines, rest = screen(stream.getvalue())
    assert len(lines) == 1 and rest == ""
    last = stream.getvalue().rpartition("\r")[2]
    assert lines[0] == screen(last)[0][0]


# The list


def test_every_hook_in_keras_order_with_one_logs_dict_for_all():
    events = []
    summary = record.drive_list(callbacks, events)
    assert json.loads(json.dumps(events)) == GOLDEN["events"]
    assert summary == GOLDEN["list"]


def test_batch_logs_are_made_only_for_those_who_look():
    made = []

    def make():
        made.append(1)
        return {"loss": 1.0}

    c = callbacks.CallbackList([callbacks.EarlyStopping()], add_history=True)
    assert not (c.wants_train_batches or c.wants_test_batches or c.wants_predict_batches)
    for hook in ("on_train_batch_end", "on_test_batch_end", "on_predict_batch_end"):
        getattr(c, hook)(0, make)
    assert made == []

    seen = []
    for name in ("on_train_batch_end", "on_batch_end", "on_test_batch_end", "on_predict_batch_end"):
        both = [callbacks.LambdaCallback(**{name: lambda b, logs: seen.append((b, logs))}) for _ in range(2)]
        c = callbacks.CallbackList(both)
        phase = "train" if name == "on_batch_end" else name.split("_")[1]
        wanted = {p for p in ("train", "test", "predict") if getattr(c, f"wants_{p}_batches")}
        assert wanted == {phase}
        getattr(c, f"on_{phase}_batch_end")(7, make)
    assert len(made) == 4  # once for two callbacks
    assert seen == [(7, {"loss": 1.0})] * 8


def test_the_bar_asks_for_logs_only_when_it_is_drawn(clock, monkeypatch):
    monkeypatch.setattr(sys, "stdout", record.Terminal())
    drawn = []
    c = callbacks.CallbackList(add_progbar=True, verbose=1, epochs=1, steps=100)
    assert c.wants_train_batches
    c.on_train_begin()
    assert not c.wants_test_batches  # the validation is silent
    c.on_epoch_begin(0)
    for batch in range(100):
        clock.now += 0.0051
        c.on_train_batch_begin(batch)
        c.on_train_batch_end(batch, lambda batch=batch: drawn.append(batch) or {"loss": 1.0})
        c.on_test_batch_end(batch, lambda: pytest.fail("the validation is silent"))
    assert drawn == [*range(0, 100, 10), 99]


def test_the_steps_are_counted_when_nobody_knows_how_many_there_are(clock, capsys):
    c = callbacks.CallbackList(add_progbar=True, verbose=2, epochs=1, steps=None)
    c.on_epoch_begin(0)
    assert c.wants_train_batches
    for batch in range(4):
        c.on_train_batch_end(batch, dict)
    c.on_epoch_end(0, {})
    assert not c.wants_train_batches
    assert capsys.readouterr().out.startswith("4/4 - 0s")


def test_a_subclass_of_the_bar_sees_every_batch():
    class Loud(callbacks.ProgbarLogger):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs)

    seen = []
    c = callbacks.CallbackList([Loud()], add_progbar=True, verbose=2, epochs=1, steps=3)
    assert len(c.callbacks) == 1
    c.on_train_batch_end(0, lambda: {"loss": 1.0})
    assert seen == [{"loss": 1.0}]


def test_callbacks_may_be_nested_single_or_none():
    a, b = callbacks.Callback(), callbacks.History()
    assert callbacks.CallbackList([a, (b, [])], add_history=True).callbacks == [a, b]
    assert callbacks.CallbackList(a).callbacks == [a]
    assert callbacks.CallbackList(None).callbacks == []


@pytest.mark.parametrize(
    ("bad", "hint"),
    [
        (callbacks.History, r"Did you mean History\(\)\?"),
        (print, "LambdaCallback"),
        ("early_stopping", "'early_stopping'"),
        (object(), "object"),
    ],
)
def test_what_is_no_callback_is_named(bad, hint):
    with pytest.raises(TypeError, match=hint):
        callbacks.CallbackList([callbacks.Callback(), bad])


def test_an_error_in_a_callback_propagates():
    def fail(batch, logs):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        callbacks.CallbackList(callbacks.LambdaCallback(on_train_batch_end=fail)).on_train_batch_end(0, {})


def test_lists_within_lists_pass_everything_on():
    seen = []
    inner = callbacks.CallbackList(callbacks.LambdaCallback(on_batch_begin=lambda b, logs: seen.append(b)))
    outer = callbacks.CallbackList([inner], model=record.FakeModel(), verbose=0, epochs=3, steps=1)
    outer.on_train_batch_begin(5)
    inner.on_batch_begin(6)
    assert seen == [5, 6]
    assert inner.model is outer.model and inner.params == {"verbose": 0, "epochs": 3, "steps": 1}


def test_a_subclass_may_forget_the_base_class_constructor():
    class Forgetful(callbacks.Callback):
        def __init__(self):
            pass

    assert Forgetful().model is None and Forgetful().params is None
    assert not any(
        overrides(Forgetful(), hook) for hook in vars(callbacks.Callback) if hook.startswith("on_")
    )


# The history


def test_history_does_not_keep_the_model_alive():
    model = record.FakeModel()
    history = callbacks.History()
    history.set_model(model)
    assert history.model is model and model.history is history
    alive = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert alive() is None and history.model is None
    finally:
        gc.enable()


def test_history_can_be_pickled_and_says_what_it_holds():
    model = record.FakeModel()
    c = callbacks.CallbackList(add_history=True, model=model, verbose=0, epochs=2, steps=1)
    c.on_train_begin()
    c.on_epoch_end(3, {"loss": 0.5, "val_loss": 0.123456})
    assert repr(model.history) == "<History of 1 epoch, loss: 0.5, val_loss: 0.1235>"
    copy = pickle.loads(pickle.dumps(model.history))
    assert (
        copy.history == {"loss": [0.5], "val_loss": [0.123456]} and copy.epoch == [3] and copy.model is None
    )
    assert repr(callbacks.History()) == "<History of 0 epochs>"


# Early stopping and learning rates


@pytest.mark.parametrize("index", range(len(record.stopping_cases())))
def test_early_stopping_does_what_keras_does(capsys, index):
    case, expected = record.stopping_cases()[index], GOLDEN["stopping"][index]
    callback = callbacks.EarlyStopping(verbose=1, **case["kwargs"])
    model, _ = record.drive_fit(callback, case["values"])
    state = {name: getattr(callback, name) for name in record.STOPPING_STATE}
    found = {**state, "weights": model.weights, "text": capsys.readouterr().out}
    np.testing.assert_equal(found, expected)


@pytest.mark.parametrize("index", range(len(record.plateau_cases())))
def test_reduce_on_plateau_does_what_keras_does(index):
    case, expected = record.plateau_cases()[index], GOLDEN["plateau"][index]
    callback = callbacks.ReduceLROnPlateau(**case["kwargs"])
    _, trace = record.drive_fit(callback, case["values"])
    np.testing.assert_allclose(trace, expected["trace"], rtol=1e-6)
    assert (callback.wait, callback.cooldown_counter) == (expected["wait"], expected["cooldown"])


def test_early_stopping_can_be_used_again():
    callback = callbacks.EarlyStopping(patience=1, restore_best_weights=True)
    first, _ = record.drive_fit(callback, [0.1, 0.5])
    second, _ = record.drive_fit(callback, [0.9, 0.8, 0.7, 0.75])
    assert first.stop_training and first.weights == [0]
    assert second.stop_training and second.weights == [2]


class FakeMetric:
    def __init__(self, name, direction):
        self.name = name
        self.direction = direction


@pytest.mark.parametrize(("direction", "stopped"), [("up", 1), ("down", 2)])
def test_the_metric_itself_says_which_way_is_up(direction, stopped):
    callback = callbacks.EarlyStopping(monitor="val_score")
    model = record.FakeModel()
    model.metrics = [FakeMetric("loss", None), FakeMetric("score", direction)]
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate([0.5, 0.4, 0.6]):
        callback.on_epoch_end(epoch, {"val_score": value})
        if model.stop_training:
            break
    assert callback.stopped_epoch == stopped


@pytest.mark.parametrize("make", [callbacks.EarlyStopping, callbacks.ReduceLROnPlateau])
def test_a_number_of_unknown_direction_is_an_error_at_once(make):
    callback = make(monitor="val_mystery")
    model = record.FakeModel()
    model.metrics = [FakeMetric("mystery", None)]
    callback.set_model(model)
    with pytest.raises(ValueError, match="mode='max'"):
        callback.on_epoch_end(0, {"val_mystery": 1.0})


@pytest.mark.parametrize("make", [callbacks.EarlyStopping, callbacks.ReduceLROnPlateau])
def test_a_number_that_is_not_there_is_a_warning(make):
    callback = make()
    callback.set_model(record.FakeModel())
    with pytest.warns(
        UserWarning, match="`val_loss` which is not available. Available metrics are: accuracy,loss"
    ):
        callback.on_epoch_end(0, {"accuracy": 1.0, "loss": 1.0})
    with pytest.warns(UserWarning, match="unknown mode 'minimum'"):
        assert make(mode="minimum").mode == "auto"


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="factor"):
        callbacks.ReduceLROnPlateau(factor=1.0)
    with pytest.raises(ValueError, match="patience"):
        callbacks.EarlyStopping(patience="3")
    with pytest.raises(TypeError):
        callbacks.ReduceLROnPlateau(epsilon=0.1)
    with pytest.raises(ValueError, match="schedule"):
        callbacks.LearningRateScheduler(0.1)


def test_plateau_speaks_when_asked(capsys):
    record.drive_fit(callbacks.ReduceLROnPlateau(patience=1, factor=0.5, verbose=1), [1.0, 1.0], rate=0.25)
    assert capsys.readouterr().out == "\nEpoch 2: ReduceLROnPlateau reducing learning rate to 0.125.\n"


def test_scheduler_takes_one_argument_or_two(capsys):
    halves = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1)
    _, trace = record.drive_fit(halves, [0.0, 0.0], rate=0.5)
    assert trace == [[0.25, 0.25], [0.125, 0.125]]
    assert "Epoch 2: LearningRateScheduler setting learning rate to 0.125." in capsys.readouterr().out
    _, trace = record.drive_fit(callbacks.LearningRateScheduler(lambda epoch: 1.0 / (epoch + 1)), [0.0, 0.0])
    assert trace == [[1.0, 1.0], [0.5, 0.5]]
    record.drive_fit(callbacks.LearningRateScheduler(lambda *both: np.float32(0.5)), [0.0])


@pytest.mark.parametrize("rate", [1, "a", None, np.zeros(3)])
def test_a_schedule_must_return_a_float(rate):
    with pytest.raises(ValueError, match="should be a float"):
        record.drive_fit(callbacks.LearningRateScheduler(lambda epoch: rate), [0.0])


def test_a_type_error_inside_a_schedule_is_not_hidden():
    with pytest.raises(TypeError, match="unsupported operand"):
        record.drive_fit(callbacks.LearningRateScheduler(lambda epoch, rate: rate + "1"), [0.0])


# The others


def test_csv_logger_writes_keras_table(tmp_path):
    path = tmp_path / "log.csv"
    logger = callbacks.CSVLogger(path, separator=";")
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": 0.5, "accuracy": 1, "text": "a;b", "many": [1, 2]})
    logger.on_epoch_end(1, {"loss": 0.25, "val_loss": 3.0, "new": 1})
    logger.on_train_end()
    assert path.read_bytes().decode() == GOLDEN["csv"]


@pytest.mark.parametrize("append", [True, False])
def test_csv_logger_starts_anew_or_appends_under_one_header(tmp_path, monkeypatch, append):
    monkeypatch.chdir(tmp_path)
    logger = callbacks.CSVLogger("log.csv", append=append)
    for _ in range(3):  # one object serves several trainings
        logger.on_train_begin()
        logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.25})
    rows = (tmp_path / "log.csv").read_text().split()
    assert rows == ["epoch,loss,val_loss", *["0,0.5,0.25"] * (3 if append else 1)]


def test_lambda_callback_takes_any_hook_and_nothing_else():
    seen = []
    c = callbacks.CallbackList(
        callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: seen.append(("begin", epoch)),
            on_train_end=lambda logs: seen.append(("end", logs)),
            on_test_end=lambda logs: seen.append(("test", logs)),
        )
    )
    c.on_train_begin()
    c.on_epoch_begin(2)
    c.on_test_end({"loss": 1.0})
    c.on_train_end({"loss": 2.0})
    assert seen == [("begin", 2), ("test", {"loss": 1.0}), ("end", {"loss": 2.0})]
    with pytest.raises(TypeError, match=r"no hook 'on_epoch_ends'\. Did you mean 'on_epoch_end'"):
        callbacks.LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match="must be a function"):
        callbacks.LambdaCallback(on_epoch_end=3)


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf")])
def test_terminate_on_nan(capsys, loss):
    model = record.FakeModel()
    c = callbacks.CallbackList(callbacks.TerminateOnNaN(), model=model)
    assert c.wants_train_batches
    c.on_train_batch_end(0, {"loss": 1.0})
    c.on_train_batch_end(1, {})
    assert not model.stop_training and capsys.readouterr().out == ""
    c.on_train_batch_end(2, {"loss": loss})
    assert model.stop_training
    assert capsys.readouterr().out == "Batch 2: Invalid loss, terminating training\n"
    with pytest.raises(RuntimeError, match="batch 3"):
        callbacks.TerminateOnNaN(raise_error=True).on_train_batch_end(3, {"loss": loss})
