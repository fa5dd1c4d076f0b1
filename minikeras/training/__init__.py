"""Training: data into batches, the step, and the loops of `fit`, `evaluate` and `predict`."""
