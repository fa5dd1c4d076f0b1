"""Configs of Keras 1 and 2 in the words of Keras 3.

Arguments were renamed (`nb_filter` became `filters`), or have gone because only one value of them made
sense (`implementation`, `time_major`). Nothing above this file knows of the old words.
"""

from __future__ import annotations

from typing import Any

from minikeras import registry
from minikeras.activations.rectified import OldHardSigmoid

CLASSES = {
    "Convolution1D": "Conv1D", "Convolution2D": "Conv2D", "Convolution3D": "Conv3D",
    "SeparableConvolution2D": "SeparableConv2D", "Deconvolution2D": "Conv2DTranspose",
    "OrthogonalInitializer": "Orthogonal", "IdentityInitializer": "Identity",
    "CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU",
}  # fmt: skip
RENAMED = {
    "output_dim": "units", "nb_filter": "filters", "border_mode": "padding", "init": "kernel_initializer",
    "inner_init": "recurrent_initializer", "inner_activation": "recurrent_activation", "p": "rate",
    "bias": "use_bias", "W_regularizer": "kernel_regularizer", "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer", "W_constraint": "kernel_constraint", "b_constraint": "bias_constraint",
    "dropout_W": "dropout", "dropout_U": "recurrent_dropout", "subsample": "strides", "subsample_length": "strides",
    "filter_length": "kernel_size", "pool_length": "pool_size", "stride": "strides",
    "dim_ordering": "data_format", "batch_input_shape": "batch_shape", "lr": "learning_rate",
    "ratio": "rate", "sigma": "stddev", "target_dim": "target_shape",
}  # fmt: skip
VALUES = {
    "data_format": {"tf": "channels_last", "th": "channels_first", "default": "channels_last"},
    "reduction": {"auto": "sum_over_batch_size"},
    "distribution": {"normal": "truncated_normal"},
}
# Without a meaning today, whatever they say
GONE = {
    "implementation", "consume_less", "input_dtype", "jit_compile", "is_legacy_optimizer", "input_length", "fused",
    "nb_row", "nb_col", "renorm_clipping", "renorm_momentum", "adjustment", "b_learning_rate_multiplier",
    "W_learning_rate_multiplier",
}  # fmt: skip
# Without a meaning while they have this value, and not known with another
REFUSED = {"time_major": False, "renorm": False, "quantization_config": None, "virtual_batch_size": None}


def of_version(config: Any, version: str) -> Any:
    """The config of a model that some version of Keras wrote, with functions that have changed by today's names.

    Up to Keras 2, "hard_sigmoid" was clip(z/5 + 1/2, 0, 1); today it is clip(z/6 + 1/2, 0, 1).
    """
    if version[:1] not in ("1", "2"):
        return config
    if isinstance(config, list):
        return [of_version(v, version) for v in config]
    if not isinstance(config, dict):
        return config
    new = {k: of_version(v, version) for k, v in config.items()}
    for key, value in config.items():
        if key.endswith("activation") and value == "hard_sigmoid":
            new[key] = registry.serialize(OldHardSigmoid())
    return new


def modernize(value: dict[str, Any]) -> Any:
    """An object of Keras' in JSON form, with today's names; a metric made of a function becomes its name.

    Raises:
        ValueError: when it asks for something that has gone, such as time_major=True.
    """
    name, config = value["class_name"], value["config"]
    name = name.rpartition(">")[2]
    name = CLASSES.get(name, name)
    if name == "MeanMetricWrapper":
        known_metrics = registry.tables()["keras.metrics"].entries
        return config.get("name") if config.get("name") in known_metrics else config.get("fn")
    for key, only in REFUSED.items():
        if config.get(key, only) != only:
            raise ValueError(f"{name}: {key}={config[key]!r} is not known here.")
    new = {k: v for k, v in config.items() if k not in GONE and k not in REFUSED}
    known = _arguments(name, value.get("module"))
    if known is not None:
        new = {(RENAMED[k] if k in RENAMED and k not in known else k): v for k, v in new.items()}
    for key, words in VALUES.items():
        if isinstance(new.get(key), str):
            new[key] = words.get(new[key], new[key])
    _mend(name, config, new)
    return {**value, "class_name": name, "config": new, "registered_name": None}


def _arguments(name: str, module: str | None) -> set[str] | None:
    for table in registry.tables().values():
        if name in table.classes and module in (None, table.module):
            return set(registry.arguments(table.classes[name]))
    return None


def _mend(name: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """What is particular to one class."""
    if name == "BatchNormalization":
        new.pop("mode", None)
        if isinstance(new.get("axis"), list) and len(new["axis"]) == 1:
            new["axis"] = new["axis"][0]
    elif name == "LeakyReLU" and "alpha" in new:
        new["negative_slope"] = new.pop("alpha")
    elif name == "GRU" and "reset_after" not in new and old.keys() & {"implementation", "consume_less"}:
        new["reset_after"] = False
    elif name == "Conv2D" and "nb_row" in old:
        new["kernel_size"] = [old["nb_row"], old["nb_col"]]
    if name in ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam") and not new.get("decay"):
        new.pop("decay", None)
        new.pop("schedule_decay", None)
    if _arguments(name, "keras.initializers") is not None:
        new.pop("dtype", None)
