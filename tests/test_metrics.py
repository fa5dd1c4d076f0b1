"""Metrics: Keras' numbers, what must hold for every metric, and edge cases."""

from __future__ import annotations

import copy
import json
import pathlib
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikeras import losses, metrics
from minikeras.errors import ShapeError
from minikeras.registry import custom_object_scope, deserialize, serialize

CASES = json.loads((pathlib.Path(__file__).parent / "golden" / "metrics.json").read_text())
CLASSES = sorted(name for name in metrics.table.classes if name != "MeanMetricWrapper")


def label(case):
    return case["metric"] + "(" + ", ".join(f"{k}={v}" for k, v in case["kwargs"].items()) + ")"


def arrays(batch):
    """A batch as (targets, predictions if any) and its keyword arguments; read-only."""
    loaded = {k: np.array(values, dtype) for k, (dtype, values) in batch.items()}
    for a in loaded.values():
        a.flags.writeable = False
    positional = [loaded[k] for k in ("y", "p") if k in loaded]
    return positional, {"sample_weight": loaded["w"]} if "w" in loaded else {}


def close(value, expected):
    assert np.shape(value) == np.shape(expected)
    np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-6)


@pytest.fixture(autouse=True)
def _floating_point_errors_raise():
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        yield


# Keras' numbers


@pytest.mark.parametrize("case", CASES, ids=label)
def test_same_as_keras(case):
    metric = getattr(metrics, case["metric"])(**case["kwargs"])
    assert metric.name == case["name"]
    assert metric.direction == case["direction"]
    for batch, expected in zip(case["batches"], case["results"], strict=False):
        args, kwargs = arrays(batch)
        metric.update_state(*args, **kwargs)
        close(metric.result(), expected)
    metric.reset_state()
    close(metric(*arrays(case["batches"][0])[0]), case["results"][-1])


def test_every_metric_has_a_case():
    assert {case["metric"] for case in CASES} == set(CLASSES)


FIRST = list({case["metric"]: case for case in reversed(CASES)}.values())


@pytest.mark.parametrize("case", FIRST, ids=label)
def test_contract(case):
    """Config round trip, copy, pickle, lists as input, and the type of the result."""
    metric = getattr(metrics, case["metric"])(**case["kwargs"])
    args, _ = arrays(case["batches"][0])
    value = metric(*args)
    if np.ndim(value):
        assert value.dtype == metric.dtype == "float32"
    else:
        assert type(value) is float
    again = deserialize(json.loads(json.dumps(serialize(metric))))
    assert type(again) is type(metric) and again.get_config() == metric.get_config()
    assert again.name == metric.name and repr(again) == repr(metric)
    close(again(*(a.tolist() for a in args)), value)
    for twin in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        twin.reset_state()
        close(metric.result(), value)  # the twin has a state of its own
        close(twin(*args), value)


@pytest.mark.parametrize("case", [c for c in FIRST if c["metric"] != "R2Score"], ids=label)
def test_zero_before_the_first_batch_and_after_an_empty_one(case):
    """R² is left out: an empty batch makes it 0/0, as in Keras."""
    metric = getattr(metrics, case["metric"])(**case["kwargs"])
    assert not np.any(metric.result())
    args, _ = arrays(case["batches"][0])
    metric.update_state(*(a[:0] for a in args))
    assert not np.any(metric.result())


def by_sample(case):
    """Whether the metric is a sum over samples: none that looks at the whole batch at once."""
    args, kwargs = arrays(case["batches"][0])
    whole_batch = "axis" in case["kwargs"] or case["metric"] in ("Hinge", "SquaredHinge")  # labels 0, 1 or ±1
    return not whole_batch and not kwargs and args[-1].ndim > 1


BY_SAMPLE = [case for case in CASES if by_sample(case)]


@given(st.sampled_from(BY_SAMPLE), st.integers(1, 4))
def test_batches_may_be_cut_anywhere(case, cut):
    args, _ = arrays(case["batches"][0])
    whole, parts = (getattr(metrics, case["metric"])(**case["kwargs"]) for _ in range(2))
    whole.update_state(*args)
    parts.update_state(*(a[:cut] for a in args))
    parts.update_state(*(a[cut:] for a in args))
    close(parts.result(), whole.result())


WITHOUT_QUIRK = [
    case
    for case in BY_SAMPLE
    if "IoU" not in case["metric"]  # there a weight belongs to an element
    and case["kwargs"].get("ignore_class") is None
    and not case["kwargs"].get("num_regressors")  # counts samples whatever their weight
]


@given(st.sampled_from(WITHOUT_QUIRK), st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_a_whole_weight_is_a_repetition(case, repeats):
    args, _ = arrays(case["batches"][0])
    repeats = [1, *repeats[1:]][: len(args[0])]
    weighted, repeated = (getattr(metrics, case["metric"])(**case["kwargs"]) for _ in range(2))
    weighted.update_state(*args, sample_weight=repeats)
    repeated.update_state(*(np.repeat(a, repeats, axis=0) for a in args))
    close(weighted.result(), repeated.result())


@given(st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_a_whole_weight_of_an_element_is_a_repetition(repeats):
    y, p = np.array([[0, 1, 2], [2, 1, 0]]), np.array([[0, 1, 1], [2, 2, 0]])
    for metric in (metrics.MeanIoU(3), metrics.IoU(3, [0, 2], ignore_class=1)):
        value = metric(y, p, sample_weight=np.reshape(repeats, y.shape))
        metric.reset_state()
        close(metric(y.ravel().repeat(repeats), p.ravel().repeat(repeats)), value)


# Thresholds against the definition


@given(st.integers(0, 2**31), st.sampled_from([(1,), (3,), (2, 2)]), st.booleans())
def test_counts_are_the_definition(seed, shape, weighted):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 2, (6, *shape)), rng.integers(0, 9, (6, *shape)) / 8
    w = rng.uniform(0, 2, 6) if weighted else np.ones(6)
    element_weights = np.broadcast_to(w.reshape(6, *[1] * len(shape)), p.shape)
    for thresholds in ([0.0, 0.25, 0.5, 0.75, 1.0], [0.9, 0.125, 0.5], 0.5):
        for name, positive, yes in [
            ("TruePositives", 1, True),
            ("FalsePositives", 0, True),
            ("TrueNegatives", 0, False),
            ("FalseNegatives", 1, False),
        ]:
            metric = getattr(metrics, name)(thresholds)
            metric.update_state(y, p, w if weighted else None)
            expected = [
                element_weights[(y == positive) & ((p > t) == yes)].sum() for t in np.ravel(thresholds)
            ]
            close(metric.result(), expected if np.ndim(thresholds) else expected[0])


@given(st.integers(0, 2**31))
def test_auc_is_the_chance_of_ranking_a_pair_rightly(seed):
    """With a threshold between any two predictions, ROC AUC = P(p₊ > p₋) + P(p₊ = p₋)/2."""
    rng = np.random.default_rng(seed)
    y, p = np.r_[0, 1, rng.integers(0, 2, 20)], rng.integers(0, 20, 22) / 20 + 0.02
    pairs = p[y == 1][:, None] - p[y == 0]
    close(metrics.AUC(num_thresholds=201)(y, p), np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def test_nan_predictions_are_no():
    p, y = np.array([np.nan, 0.9, np.nan], "float32"), np.array([1, 1, 0])
    assert metrics.Precision()(y, p) == 1.0
    assert metrics.Recall()(y, p) == 0.5
    assert 0 <= metrics.AUC()(y, p) <= 1


def test_auc_shows_its_counts():
    auc = metrics.AUC(num_thresholds=3)
    auc.update_state([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    assert auc.true_positives.tolist() == [2, 1, 0] and auc.false_positives.tolist() == [2, 0, 0]
    assert auc.false_negatives.tolist() == [0, 1, 2] and auc.true_negatives.tolist() == [0, 2, 2]
    assert auc.result() == 0.75


# Single metrics


def test_pearson_of_a_constant_is_nan_as_in_keras():
    assert np.isnan(metrics.PearsonCorrelation()([[1.0], [2.0]], [[1.0], [2.0]]))


def test_r2_keeps_its_digits_far_from_zero():
    y = np.array([[1e7], [1e7 + 1], [1e7 + 2]])
    close(metrics.R2Score()(y, y + np.array([[0.0], [0.0], [1.0]])), 0.5)


def test_adjusted_r2_warns_when_there_are_too_few_samples():
    metric = metrics.R2Score(num_regressors=5)
    metric.update_state([[1.0], [2.0]], [[1.0], [3.0]])
    with pytest.warns(UserWarning, match="predictors"):
        assert metric.result() == -1.0


def test_float_weights_of_iou_are_not_rounded():
    metric = metrics.MeanIoU(num_classes=2)  # the example in Keras' documentation
    close(metric([0, 0, 1, 1], [0, 1, 0, 1], sample_weight=[0.3, 0.3, 0.3, 0.1]), 0.23809523)


def test_a_mean_counts_beyond_float32():
    metric = metrics.Mean()
    metric.update_state(1.0, sample_weight=2.0**24)
    metric.update_state([1.0, 0.0])
    assert metric.count.value == 2**24 + 2 and metric.total.value == 2**24 + 1


def test_unsure_top_k():
    assert metrics.sparse_top_k_categorical_accuracy([0, 7, -1], np.eye(3), k=1).tolist() == [1, 0, 0]
    p = np.array([[np.nan, 0.2, 0.1]])
    assert metrics.sparse_top_k_categorical_accuracy([0], p, k=1).tolist() == [0]


def test_functions_give_a_value_per_sample_in_float32():
    y, p = np.array([0, 1, 2]), np.eye(3)[[0, 2, 2]]
    for function, target in [
        (metrics.sparse_categorical_accuracy, y),
        (metrics.categorical_accuracy, np.eye(3)[y]),
        (metrics.top_k_categorical_accuracy, np.eye(3)[y]),
    ]:
        value = function(target, p, **({"k": 1} if "top_k" in function.__name__ else {}))
        assert value.dtype == "float32" and value.tolist() == [1, 0, 1]
    assert metrics.binary_accuracy([[1, 0]], [[0.6, 0.6]], threshold=0.5).tolist() == [[1, 0]]
    assert metrics.mean_squared_error is losses.mean_squared_error


# Names, configs, users' own


def test_get():
    assert metrics.get(None) is None
    for name, cls in [
        ("mse", "MeanSquaredError"),
        ("MAE", "MeanAbsoluteError"),
        ("mape", "MeanAbsolutePercentageError"),
        ("MSLE", "MeanSquaredLogarithmicError"),
        ("bce", "BinaryCrossentropy"),
        ("AUC", "AUC"),
        ("auc", "AUC"),
        ("f1_score", "F1Score"),
        ("r2_score", "R2Score"),
        ("kl_divergence", "KLDivergence"),
        ("root_mean_squared_error", "RootMeanSquaredError"),
        ("top_k_categorical_accuracy", "TopKCategoricalAccuracy"),
    ]:
        assert type(metrics.get(name)).__name__ == cls
    given_one = metrics.Precision()
    assert metrics.get(given_one) is given_one
    assert isinstance(metrics.get(metrics.Recall), metrics.Recall)
    config = {"class_name": "Recall", "config": {"thresholds": 0.2, "name": "r"}}
    assert metrics.get(config).thresholds == 0.2 and metrics.get(config).name == "r"


@pytest.mark.parametrize("name", ["nope", "huber", "log_cosh", "crossentropy", "kld", "MSe"])
def test_unknown_names(name):
    with pytest.raises(ValueError, match=f"Could not interpret metric identifier: {name}"):
        metrics.get(name)


def test_a_typo_gets_a_hint():
    with pytest.raises(ValueError, match="Did you mean 'binary_accuracy'"):
        metrics.get("binary_acuracy")
    with pytest.raises(ValueError, match="Could not interpret"):
        metrics.get(3)


def test_functions_become_means():
    def mine(y_true, y_pred):
        return np.abs(y_true - y_pred)[:, 0]

    metric = metrics.get(mine)
    assert metric.name == "mine" and metric.direction is None and metric.uses_mask
    assert metric(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]])) == 1.0
    assert metrics.get(lambda y, p: 3.0)(0, 0) == 3.0
    assert metrics.get(lambda y, p: 3.0).name == "lambda"
    assert metrics.get(losses.huber).name == "huber" and metrics.get(losses.huber).direction == "down"
    whole = metrics.get(losses.MeanSquaredError())
    assert whole.name == "mean_squared_error" and whole([[1.0]], [[3.0]]) == 4.0


def test_wrapper_config():
    metric = metrics.MeanMetricWrapper(losses.huber, name="h", delta=2.0)
    config = metric.get_config()
    assert config["delta"] == 2.0 and config["fn"]["config"] == "huber"
    again = deserialize(json.loads(json.dumps(serialize(metric))))
    assert again.fn is losses.huber and again([[0.0]], [[5.0]]) == metric([[0.0]], [[5.0]]) == 8.0

    def mine(y_true, y_pred):
        return y_pred[:, 0]

    saved = serialize(metrics.get(mine))
    with custom_object_scope({"mine": mine}):
        assert deserialize(saved)([[0.0]], np.array([[2.0]])) == 2.0


@pytest.mark.parametrize(
    ("y", "p", "kind"),
    [
        ((None,), (None, 1), "Binary"),
        ((None, 1), (None, 1), "Binary"),
        ((None,), (None, 3), "SparseCategorical"),
        ((None, 1), (None, 3), "SparseCategorical"),
        ((None, 4), (None, 4, 3), "SparseCategorical"),
        ((None, 3), (None, 3), "Categorical"),
        ((None, 4, 3), (None, 4, 3), "Categorical"),
    ],
)
def test_what_accuracy_means(y, p, kind):
    assert metrics.accuracy_for(y, p).__name__ == kind + "Accuracy"
    assert metrics.crossentropy_for(y, p).__name__ == kind + "Crossentropy"


class Spread(metrics.Metric):
    """A user's metric, written as for Keras."""

    def __init__(self, scale=1.0, name="spread", **kwargs):
        super().__init__(name=name, **kwargs)
        self.scale = scale
        self._direction = "down"
        self.least = self.add_variable(shape=(2,), initializer="zeros", name="least")
        self.start = self.add_weight(shape=(), initializer="ones", name="start")
        self.inner = [metrics.Mean()]

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.least.assign(self.least + np.abs(y_true - y_pred).max(axis=0))
        self.inner[0].update_state(y_pred)

    def result(self):
        return self.scale * np.asarray(self.least).sum()


def test_users_own_metric():
    metric = Spread(scale=2.0)
    assert metric.direction == "down" and metric.start.value == 1 and len(metric.variables) == 4
    assert metric(np.zeros((3, 2)), np.ones((3, 2))) == 4.0 == metric.result()
    assert metric.inner[0].result() == 1.0
    metric.reset_state()
    assert metric.result() == 0.0 == metric.inner[0].result()
    assert Spread.from_config(metric.get_config()).scale == 2.0
    assert metric.get_config() == {"scale": 2.0, "name": "spread", "dtype": "float32"}


def test_variables_of_users_metrics():
    metric = metrics.Metric(name="m")
    assert metric.add_variable((2, 3), lambda shape, dtype: np.full(shape, 7, dtype)).value.sum() == 42
    assert metric.add_variable((2,), np.array([1, 2])).value.tolist() == [1, 2]
    assert metric.add_variable((2,), "zeros", dtype="int32").dtype == "int32"
    with pytest.raises(ValueError, match="initializer"):
        metric.add_variable((2,), "nope")
    with pytest.raises(NotImplementedError, match="update_state"):
        metric([1], [1])

    class Forgetful(metrics.Metric):
        def __init__(self):
            self.v = self.add_variable(())

    with pytest.raises(RuntimeError, match=r"super\(\).__init__"):
        Forgetful()


def test_repr():
    assert repr(metrics.AUC(curve="pr")) == "AUC(curve='PR')"
    assert repr(metrics.MeanSquaredError()) == "MeanSquaredError()"


# Bad arguments and shapes


@pytest.mark.parametrize(
    "make",
    [
        lambda: metrics.Precision(thresholds=2.0),
        lambda: metrics.Precision(thresholds=[0.1, None]),
        lambda: metrics.Recall(thresholds=-0.1),
        lambda: metrics.Recall(thresholds="0.5"),
        lambda: metrics.Precision(top_k=0),
        lambda: metrics.TruePositives(thresholds=[0.5, 1.5]),
        lambda: metrics.AUC(curve="nope"),
        lambda: metrics.AUC(summation_method="nope"),
        lambda: metrics.AUC(num_thresholds=1),
        lambda: metrics.AUC(num_labels=3),
        lambda: metrics.SensitivityAtSpecificity(1.5),
        lambda: metrics.SpecificityAtSensitivity(-0.5),
        lambda: metrics.PrecisionAtRecall(0.5, num_thresholds=0),
        lambda: metrics.RecallAtPrecision("a"),
        lambda: metrics.F1Score(average="nope"),
        lambda: metrics.F1Score(threshold=1.5),
        lambda: metrics.F1Score(threshold=0.0),
        lambda: metrics.FBetaScore(beta=0.0),
        lambda: metrics.FBetaScore(beta=2),
        lambda: metrics.R2Score(class_aggregation="nope"),
        lambda: metrics.R2Score(num_regressors=-1),
        lambda: metrics.IoU(2, [2]),
        lambda: metrics.BinaryIoU([2]),
        lambda: metrics.MeanIoU(0),
        lambda: metrics.Mean(dtype="nope"),
    ],
)
def test_bad_arguments(make):
    with pytest.raises(ValueError, match=r".+"):
        make()


ONE = np.ones


@pytest.mark.parametrize(
    ("metric", "y", "p"),
    [
        (metrics.Accuracy(), (3, 2), (4, 2)),
        (metrics.BinaryAccuracy(), (3, 2), (4, 2)),
        (metrics.BinaryAccuracy(), (3,), (3, 2)),
        (metrics.CategoricalAccuracy(), (3,), (3, 2)),
        (metrics.CategoricalAccuracy(), (4, 2), (3, 2)),
        (metrics.SparseCategoricalAccuracy(), (3, 2), (3, 2)),
        (metrics.SparseCategoricalAccuracy(), (4,), (3, 2)),
        (metrics.SparseTopKCategoricalAccuracy(), (4,), (3, 2)),
        (metrics.MeanSquaredError(), (3, 2), (4, 2)),
        (metrics.RootMeanSquaredError(), (3, 2), (4, 2)),
        (metrics.PearsonCorrelation(), (3, 2), (4, 2)),
        (metrics.Precision(), (3, 2), (4, 2)),
        (metrics.Precision(), (3,), (3, 2)),
        (metrics.Precision(class_id=1), (3,), (3,)),
        (metrics.Precision(class_id=5), (3, 2), (3, 2)),
        (metrics.Precision(top_k=5), (3, 2), (3, 2)),
        (metrics.AUC(), (3,), (4,)),
        (metrics.AUC(multi_label=True), (3,), (3,)),
        (metrics.AUC(multi_label=True, num_labels=2), (3, 3), (3, 3)),
        (metrics.AUC(label_weights=[1.0, 2.0]), (3, 3), (3, 3)),
        (metrics.F1Score(), (3,), (3,)),
        (metrics.F1Score(), (3,), (3, 2)),
        (metrics.R2Score(), (3,), (3,)),
        (metrics.R2Score(), (3, 2), (4, 2)),
        (metrics.MeanIoU(2), (2,), (3,)),
    ],
    ids=str,
)
def test_bad_shapes(metric, y, p):
    with pytest.raises(ShapeError):
        metric.update_state(ONE(y), ONE(p))


@pytest.mark.parametrize(
    "metric",
    [
        metrics.MeanSquaredError(),
        metrics.BinaryAccuracy(),
        metrics.RootMeanSquaredError(),
        metrics.Precision(),
        metrics.AUC(),
        metrics.F1Score(),
        metrics.R2Score(),
        metrics.MeanIoU(2),
    ],
    ids=str,
)
def test_weights_that_do_not_fit(metric):
    with pytest.raises(ShapeError, match="weight"):
        metric.update_state(ONE((3, 2)), ONE((3, 2)), sample_weight=ONE(4))


def test_number_of_columns_may_not_change():
    for metric in (metrics.F1Score(), metrics.R2Score(), metrics.AUC(multi_label=True)):
        metric.update_state(ONE((3, 2)), ONE((3, 2)))
        with pytest.raises(ShapeError):
            metric.update_state(ONE((3, 4)), ONE((3, 4)))
