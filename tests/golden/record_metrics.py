"""Record what real Keras answers: KERAS_BACKEND=jax python tests/golden/record_metrics.py

Writes metrics.json beside this file: one line per case with the metric, its arguments, three
batches, Keras' result after each, and the result of the first batch alone after `reset_state`.
Needs Keras 3.15; the tests read only its output.
"""

import json
import math
import pathlib
import warnings

import keras
import numpy as np

RNG = np.random.default_rng(7)


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


KINDS = {
    "normal": lambda shape: RNG.normal(size=shape),
    "offset": lambda shape: 50 + RNG.normal(size=shape),
    "positive": lambda shape: RNG.uniform(0.1, 2, shape),
    "unit": lambda shape: RNG.uniform(0, 1, shape),
    "coarse": lambda shape: RNG.integers(0, 11, shape) / 10,  # many ties, some on the thresholds
    "half": lambda shape: np.full(shape, 0.5),
    "ends": lambda shape: RNG.integers(0, 2, shape).astype("float64"),
    "binary": lambda shape: RNG.integers(0, 2, shape),
    "zeros": lambda shape: np.zeros(shape, int),
    "ones": lambda shape: np.ones(shape, int),
    "sign": lambda shape: RNG.integers(0, 2, shape) * 2 - 1,
    "count": lambda shape: RNG.integers(0, 6, shape),
    "prob": lambda shape: softmax(RNG.normal(size=shape)),
    "onehot": lambda shape: np.eye(shape[-1], dtype=int)[RNG.integers(0, shape[-1], shape[:-1])],
    "class": lambda shape: RNG.integers(0, shape[-1], shape[:-1]),
    "class1": lambda shape: RNG.integers(0, shape[-1], (*shape[:-1], 1)),
    "class5": lambda shape: RNG.integers(-1, 5, shape),
    "labels": lambda shape: RNG.integers(0, 3, shape),
    "constant": lambda shape: np.full(shape, 3),
    "flat": lambda shape: RNG.normal(size=shape[:-1]),
    "flatbinary": lambda shape: RNG.integers(0, 2, shape[:-1]),
}


def rounded(a):
    return np.round(a, 3).astype("float32") if a.dtype.kind == "f" else a.astype("int32")


def keras_result(metric):
    values = [float(f"{v:.8g}") for v in np.ravel(metric.result())]
    return values if np.ndim(metric.result()) else values[0]


def written(a):
    """An array as [type, numbers]; float32 in the three decimals that it was rounded to."""
    return [a.dtype.name, np.round(a.astype("float64"), 3).tolist() if a.dtype.kind == "f" else a.tolist()]


def record(name, y, p, shape=(4,), weights=None, sizes=(5, 6, 1), **kwargs):
    """One case; `weights`: None, "sample" (one per sample) or "element"."""
    metric = getattr(keras.metrics, name)(**kwargs)
    batches, results = [], []
    for i, n in enumerate(sizes):
        batch = {"y": rounded(KINDS[y]((n, *shape)))}
        if p is not None:
            batch["p"] = rounded(KINDS[p]((n, *shape)))
        if weights and i != 0:
            batch["w"] = rounded(RNG.uniform(0, 2, (n,) if weights == "sample" else batch["y"].shape))
        args = [batch[k] for k in ("y", "p") if k in batch]
        metric.update_state(*args, **({"sample_weight": batch["w"]} if "w" in batch else {}))
        results.append(keras_result(metric))
        batches.append({k: written(v) for k, v in batch.items()})
    metric.reset_state()
    metric.update_state(*(np.array(v, t) for k, (t, v) in batches[0].items() if k != "w"))
    results.append(keras_result(metric))
    return {
        "metric": name,
        "kwargs": kwargs,
        "name": metric.name,
        "direction": getattr(metric, "_direction", None),
        "batches": batches,
        "results": results,
    }


def regression():
    for name, y, p in [
        ("MeanSquaredError", "normal", "normal"),
        ("MeanAbsoluteError", "normal", "normal"),
        ("MeanAbsolutePercentageError", "positive", "normal"),
        ("MeanSquaredLogarithmicError", "positive", "positive"),
        ("RootMeanSquaredError", "normal", "normal"),
        ("LogCoshError", "normal", "normal"),
        ("CosineSimilarity", "normal", "normal"),
        ("Hinge", "sign", "normal"),
        ("Hinge", "binary", "normal"),
        ("SquaredHinge", "sign", "normal"),
        ("CategoricalHinge", "onehot", "normal"),
        ("KLDivergence", "prob", "prob"),
        ("Poisson", "count", "positive"),
        ("ConcordanceCorrelation", "normal", "normal"),
        ("PearsonCorrelation", "normal", "normal"),
    ]:
        yield record(name, y, p)
        yield record(name, y, p, weights="sample")
        yield record(name, y, p, shape=(3, 4), weights="sample", sizes=(4, 3, 2))
    yield record("MeanSquaredError", "flat", "normal", shape=(1,))
    yield record("MeanSquaredError", "normal", "normal", shape=())
    yield record("RootMeanSquaredError", "flat", "normal", shape=(1,), weights="sample")
    yield record("RootMeanSquaredError", "normal", "normal", weights="element")
    yield record("CosineSimilarity", "normal", "normal", axis=1, shape=(3, 4))
    yield record("ConcordanceCorrelation", "normal", "normal", axis=0)
    yield record("ConcordanceCorrelation", "constant", "normal")
    for kwargs in [{}, {"class_aggregation": None}, {"class_aggregation": "variance_weighted_average"}]:
        yield record("R2Score", "normal", "normal", shape=(3,), **kwargs)
        yield record("R2Score", "normal", "normal", shape=(3,), weights="sample", **kwargs)
    yield record("R2Score", "normal", "normal", shape=(2,), num_regressors=2)
    yield record("R2Score", "normal", "normal", shape=(2,), weights="element")
    yield record("R2Score", "normal", "normal", shape=(1,), sizes=(1, 1, 1))
    yield record("R2Score", "constant", "normal", shape=(2,))
    for name in ("Mean", "Sum"):
        for shape in [(), (3,), (2, 3)]:
            yield record(name, "normal", None, shape=shape)
            yield record(name, "normal", None, shape=shape, weights="sample")
            yield record(name, "normal", None, shape=shape, weights="element")


def classification():
    for y, p, shape, kwargs in [
        ("binary", "unit", (1,), {}),
        ("binary", "unit", (4,), {"threshold": 0.3}),
        ("binary", "coarse", (3,), {}),
        ("binary", "half", (2,), {}),
        ("flatbinary", "unit", (1,), {}),
        ("binary", "unit", (), {}),
    ]:
        yield record("BinaryAccuracy", y, p, shape, **kwargs)
        yield record("BinaryAccuracy", y, p, shape, weights="sample", **kwargs)
    for name, y, kwargs in [
        ("CategoricalAccuracy", "onehot", {}),
        ("SparseCategoricalAccuracy", "class", {}),
        ("SparseCategoricalAccuracy", "class1", {}),
        ("TopKCategoricalAccuracy", "onehot", {"k": 2}),
        ("TopKCategoricalAccuracy", "onehot", {}),
        ("SparseTopKCategoricalAccuracy", "class", {"k": 3}),
        ("CategoricalCrossentropy", "onehot", {}),
        ("SparseCategoricalCrossentropy", "class", {}),
    ]:
        for p in ("prob", "coarse") if "Accuracy" in name else ("prob",):
            yield record(name, y, p, (6,), **kwargs)
            yield record(name, y, p, (6,), weights="sample", **kwargs)
        if y != "class1":
            yield record(name, y, "prob", (3, 6), weights="sample", sizes=(4, 3, 2), **kwargs)
    yield record("SparseTopKCategoricalAccuracy", "class", "labels", (4,), k=2, from_sorted_ids=True)
    yield record("Accuracy", "labels", "labels", (3,))
    yield record("Accuracy", "labels", "labels", (), weights="sample")
    yield record("BinaryCrossentropy", "binary", "unit", (3,), weights="sample")
    yield record("BinaryCrossentropy", "binary", "normal", (1,), from_logits=True, label_smoothing=0.1)
    yield record("CategoricalCrossentropy", "onehot", "normal", (4,), from_logits=True, label_smoothing=0.1)
    yield record("SparseCategoricalCrossentropy", "class", "normal", (4,), from_logits=True)
    yield record("SparseCategoricalCrossentropy", "class", "prob", (3,), ignore_class=1)
    yield record("SparseCategoricalCrossentropy", "class", "prob", (3,), ignore_class=1, weights="sample")
    for average in (None, "micro", "macro", "weighted"):
        yield record("F1Score", "onehot", "prob", (3,), average=average)
        yield record("F1Score", "binary", "unit", (3,), average=average, threshold=0.5, weights="sample")
        yield record("FBetaScore", "onehot", "coarse", (4,), average=average, beta=2.0)
    yield record("F1Score", "zeros", "unit", (2,), average="macro", threshold=0.5)
    yield record("F1Score", "onehot", "half", (3,))


def confusion():
    for name in ("Precision", "Recall"):
        for kwargs in [
            {},
            {"thresholds": 0.3},
            {"thresholds": [0.8, 0.2, 0.5]},
            {"thresholds": [0.0, 0.5, 1.0]},
            {"class_id": 1},
            {"top_k": 2},
            {"top_k": 2, "class_id": 0},
            {"top_k": 2, "thresholds": 0.6},
        ]:
            yield record(name, "binary", "unit", (3,), **kwargs)
            yield record(name, "binary", "coarse", (3,), weights="sample", **kwargs)
        for y, p in [("zeros", "unit"), ("ones", "unit"), ("binary", "half"), ("zeros", "zeros")]:
            yield record(name, y, p, (1,))
        yield record(name, "flatbinary", "unit", (1,), weights="sample")
        yield record(name, "binary", "unit", (), weights="sample")
        yield record(name, "binary", "unit", (3,), weights="element")
    for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"):
        yield record(name, "binary", "unit", (2,))
        yield record(name, "binary", "coarse", (2,), weights="sample", thresholds=[0.3, 0.6])
        yield record(name, "binary", "coarse", (2,), thresholds=[0.0, 0.25, 0.5, 0.75, 1.0])
    for curve in ("ROC", "PR", "PRGAIN"):
        for method in ("interpolation", "minoring", "majoring"):
            kwargs = {"curve": curve, "summation_method": method}
            yield record("AUC", "binary", "unit", (1,), sizes=(9, 7, 1), **kwargs)
            yield record(
                "AUC",
                "binary",
                "coarse",
                (1,),
                sizes=(9, 7, 2),
                weights="sample",
                num_thresholds=11,
                **kwargs,
            )
        kwargs = {"curve": curve, "num_thresholds": 7}
        for y, p in [("zeros", "unit"), ("ones", "unit"), ("binary", "half"), ("binary", "ends")]:
            if curve != "PRGAIN" or y == "binary":
                yield record("AUC", y, p, (1,), **kwargs)
        yield record("AUC", "binary", "unit", (3,), thresholds=[0.6, 0.2, 0.5], curve=curve)
        yield record("AUC", "binary", "normal", (1,), sizes=(9, 7, 1), from_logits=True, curve=curve)
        for labels in ({}, {"num_labels": 3}, {"label_weights": [0.5, 1.0, 2.0]}):
            yield record("AUC", "binary", "unit", (3,), multi_label=True, sizes=(9, 7, 1), **labels, **kwargs)
        yield record(
            "AUC", "binary", "unit", (3,), multi_label=True, weights="sample", sizes=(9, 7, 1), **kwargs
        )
    yield record("AUC", "binary", "unit", (3,), label_weights=[0.5, 1.0, 2.0])
    yield record("AUC", "binary", "unit", (3,), weights="sample", num_thresholds=2)
    for name, argument in [
        ("SensitivityAtSpecificity", "specificity"),
        ("SpecificityAtSensitivity", "sensitivity"),
        ("PrecisionAtRecall", "recall"),
        ("RecallAtPrecision", "precision"),
    ]:
        for value in (0.0, 0.3, 0.5, 0.8, 1.0):
            yield record(name, "binary", "unit", (1,), sizes=(9, 7, 1), **{argument: value})
        yield record(name, "binary", "coarse", (1,), weights="sample", num_thresholds=11, **{argument: 0.6})
        yield record(name, "binary", "unit", (1,), num_thresholds=1, **{argument: 0.5})
        yield record(name, "binary", "unit", (3,), class_id=2, **{argument: 0.5})
        yield record(name, "zeros", "half", (1,), **{argument: 0.5})


def segmentation():
    for kwargs in [{}, {"ignore_class": 0}]:
        yield record("MeanIoU", "labels", "labels", (3,), num_classes=3, **kwargs)
        yield record("MeanIoU", "class5", "class5", (2, 2), num_classes=3, **kwargs)
        yield record("IoU", "labels", "labels", (3,), num_classes=3, target_class_ids=[0, 2], **kwargs)
        yield record("OneHotIoU", "onehot", "prob", (3,), num_classes=3, target_class_ids=[1], **kwargs)
        yield record("OneHotMeanIoU", "onehot", "prob", (3,), num_classes=3, **kwargs)
    yield record("MeanIoU", "labels", "labels", (), num_classes=3, weights="sample", dtype="float32")
    yield record("MeanIoU", "labels", "labels", (3,), num_classes=3, weights="element", dtype="float32")
    yield record("IoU", "constant", "constant", (2,), num_classes=5, target_class_ids=[0, 1])
    yield record("IoU", "constant", "constant", (2,), num_classes=5, target_class_ids=[3, 4])
    yield record("BinaryIoU", "binary", "unit", (2,))
    yield record("BinaryIoU", "binary", "coarse", (2,), target_class_ids=[1], threshold=0.4)


def main():
    cases = []
    for family in (regression, classification, confusion, segmentation):
        for case in family():
            keras.utils.clear_session()  # the counters of names: each case is a metric's first
            cases.append(case)
    nan = [c["metric"] for c in cases if any(math.isnan(v) for r in c["results"] for v in np.ravel(r))]
    print(len(cases), "cases,", "NaN results:", nan)
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    pathlib.Path(__file__).with_name("metrics.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
