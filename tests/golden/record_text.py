"""Records what Keras 3.15.1 on TensorFlow makes of strings: `python record_text.py` writes text.json.

Needs keras==3.15.1 and tensorflow in the Python that runs it; the tests need only the file.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


def samples(count: int = 150) -> list[bytes]:
    """Byte strings of every length from 0, the same each time."""
    draw = random.Random(1)
    return [bytes(draw.randrange(256) for _ in range(n)) for n in range(count)]


KEYS = [(1, 2), (133, 137), (2**63 - 1, 5)]
BUCKETS = 2**62 - 57


def listed(y: Any) -> Any:
    """An output as its type and its values, strings as str."""
    y = np.asarray(y)
    values = [v.decode() if isinstance(v, bytes) else v for v in y.ravel().tolist()]
    return {"dtype": y.dtype.name, "shape": list(y.shape), "values": values}


def main() -> None:
    """Write the file."""
    import keras
    import tensorflow as tf

    sys.path.insert(0, str(HERE.parent))
    from cases_text import LEARNT, TEXT

    fixed = [listed(getattr(keras.layers, n)(**a)(np.array(x))) for n, a, x in TEXT]
    learnt = []
    for name, arguments, data, x in LEARNT:
        layer = getattr(keras.layers, name)(**arguments)
        layer.adapt(np.array(data))
        words = [w if isinstance(w, str) else int(w) for w in layer.get_vocabulary()]
        learnt.append({"vocabulary": words, "y": listed(layer(np.array(x)))})
    configs = [getattr(keras.layers, n)(**a, name="x").get_config() for n, a, _ in TEXT]
    texts = samples()
    farm = tf.fingerprint(tf.constant(texts)).numpy().view("<u8").ravel().tolist()
    sip = [tf.strings.to_hash_bucket_strong(texts, BUCKETS, key=list(k)).numpy().tolist() for k in KEYS]
    record = {"fixed": fixed, "learnt": learnt, "configs": configs, "farm": farm, "sip": sip}
    (HERE / "text.json").write_text(json.dumps(record, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
