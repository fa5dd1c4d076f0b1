# %% [markdown]
# # 7. Overfitting
#
# A pupil who learns last year's exam by heart gets full marks, on last year's exam. Networks do the same. The
# question of this lesson: **how do we notice, and what can we do about it?**

# %%
import matplotlib.pyplot as plt
import numpy as np

import minikeras as mk
from minikeras import teach
from minikeras.callbacks import EarlyStopping
from minikeras.datasets import digits
from minikeras.layers import Dense, Dropout, Input
from minikeras.regularizers import L2

plt.rcParams["figure.dpi"] = 80
(x_train, y_train), (x_test, y_test) = digits.load_data()
x_train, x_test = x_train.reshape(-1, 64) / 16, x_test.reshape(-1, 64) / 16

# %% [markdown]
# ## Few digits, labelled in a hurry
#
# We make it hard on purpose: only 300 digits, and for a fifth of them somebody typed any digit at all. 500
# others, with the right labels, are kept for **validation**: we look at them while training, but never learn
# from them. The test digits are for the very end.

# %%
rng = np.random.default_rng(0)
x, y = x_train[:300], y_train[:300].copy()
hasty = rng.random(300) < 0.2
y[hasty] = rng.integers(0, 10, hasty.sum())
validation = (x_train[300:800], y_train[300:800])
wrong = np.flatnonzero(y != y_train[:300])
print(f"{len(wrong)} of the 300 labels are wrong")


# %%
def network(rate=0.0, penalty=None):
    mk.utils.set_random_seed(7)
    hidden = Dense(128, "relu", kernel_regularizer=penalty, name="hidden")
    scores = Dense(10, "softmax", kernel_regularizer=penalty, name="scores")
    dropout = Dropout(rate, name="dropout")
    model = mk.Sequential([Input((64,)), hidden, dropout, scores], name="digits")
    adam = mk.optimizers.Adam(0.003)
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(model, *callbacks):
    options = {"batch_size": 20, "epochs": 80, "verbose": 0, "callbacks": list(callbacks)}
    return model.fit(x, y, validation_data=validation, **options)


model = network()
history_free = train(model)
teach.plot_history(history_free)

# %% [markdown]
# There it is, the most important picture of machine learning. The training loss falls and falls. The
# validation loss falls, turns around, and *rises*. The network is still learning, but what it learns is no
# longer about digits.
#
# What is it about? Look at the wrong labels, which cannot be understood, only memorized:

# %%
figure, axes = plt.subplots(1, 8, figsize=(8.5, 1.7), layout="constrained")
said = model.predict(x[wrong], verbose=0).argmax(axis=1)
for axis, i, answer in zip(axes, wrong, said, strict=False):
    axis.imshow(x[i].reshape(8, 8), cmap="gray_r")
    axis.set_title(f"typed: {y[i]}\nit says: {answer}", fontsize=9)
    axis.axis("off")
plt.show()
print(f"it has memorized {np.mean(said == y[wrong]):.0%} of the {len(wrong)} wrong labels")

# %% [markdown]
# ## Cure 1: stop in time
#
# Watch the validation loss, and keep the weights from when it was lowest. It costs nothing, and is often
# enough.

# %%
stop = EarlyStopping(monitor="val_loss", patience=8, restore_best_weights=True)
stopped = network()
history_stopped = train(stopped, stop)
epochs = len(history_stopped.history["loss"])
print(f"trained for {epochs} epochs, kept those of epoch {stop.best_epoch + 1}")
said = stopped.predict(x[wrong], verbose=0).argmax(axis=1)
print(f"of the wrong labels, it has memorized {np.mean(said == y[wrong]):.0%},")
print(f"and for {np.mean(said == y_train[wrong]):.0%} of them it says what is really there")

# %% [markdown]
# It was *taught* a wrong label, and still gives the right answer. What is common to many digits is learned
# early; what is special to one of them is learned late.
#
# ## Cure 2: dropout
#
# In each training step, let every hidden unit sleep with probability `rate`. No unit can rely on a certain
# other one being there, so they cannot work out a secret handshake for one particular sample. Those that are
# awake must make up for the others: they are multiplied by `1/(1 − rate)`, so that on average nothing
# changes:
#
#     training:   y = x · mask / (1 − rate)         later:   y = x

# %%
awake = rng.random((10_000, 64)) >= 0.4
y_dropped = np.full(64, 2.0) * awake / (1 - 0.4)
print(f"without dropout 2.0, with dropout {y_dropped.mean():.2f} on average")

# %% [markdown]
# ## Exercise: backwards through dropout
#
# The mask was drawn on the way forward. On the way back it is a constant like any other, and it must be *the
# same mask*.

# %%
teach.exercise("dropout_backward")


# %%
def dropout_backward(dy, mask, rate):
    return dy * mask


teach.check("dropout_backward", dropout_backward)

# %%
print(teach.exercise("dropout_backward").hint(1))

# %% [markdown]
# Dropout is random, so how can wiggling check it? By holding the mask still: `gradcheck` draws the same one
# each time.

# %%
dropped = network(rate=0.5)
history_dropped = train(dropped)
teach.gradcheck(dropped, x[:6], y[:6])

# %% [markdown]
# ## Cure 3: a price on large weights
#
# To memorize a single sample, a network needs large weights. So put a price on them, and add it to the loss.
# This is **L2**, also called weight decay:
#
#     L = cross-entropy + λ Σ w²            dL/dw = ... + 2 λ w
#
# Backwards, it is the simplest term of all: each weight is pulled towards 0, the more the larger it is. Let
# us see it in the trace, with λ = 0.01:

# %%
penalized, free = network(penalty=L2(0.01)), network()
history_penalized = train(penalized)
free.set_weights(penalized.get_weights())  # the same weights, without the penalty

with_penalty = teach.trace(penalized, x, y, training=False)["scores"].gradients["kernel"]
without = teach.trace(free, x, y, training=False)["scores"].gradients["kernel"]
w = penalized.get_layer("scores").kernel.numpy()
print("the difference is 2 λ w:", np.allclose(with_penalty - without, 2 * 0.01 * w, atol=1e-6))

figure, axis = plt.subplots(figsize=(6, 2.8))
edges = np.linspace(-1, 1, 81)
for net, name, colour in ((model, "free", "#d9722e"), (penalized, "with L2", "#3b76c4")):
    weights = net.get_layer("hidden").kernel.numpy().reshape(-1)
    axis.hist(weights, edges, color=colour, alpha=0.6, label=name)
axis.set(xlabel="weight", ylabel="how many", yscale="log", title="weights of the hidden layer")
axis.legend()
plt.show()

# %% [markdown]
# ## Which cure is the best?
#
# The validation loss is not comparable for L2 (the penalty is in it), so compare what we care about. And only
# now, once, with the test digits, which nothing was tuned to:

# %%
figure, axis = plt.subplots(figsize=(6, 3.2))
axis.plot(history_free.history["val_accuracy"], color="#888", label="no cure")
axis.plot(history_dropped.history["val_accuracy"], color="#3b76c4", label="dropout")
axis.plot(history_penalized.history["val_accuracy"], color="#3f9a5b", label="L2")
early = history_stopped.history["val_accuracy"][: stop.best_epoch + 1]
axis.plot(early, "-o", color="#d9722e", markevery=[-1], label="stopped early")
axis.set(xlabel="epoch", ylabel="validation accuracy", ylim=(0.6, 0.95))
axis.legend(fontsize=8)
plt.show()

cures = {"no cure": model, "stopped early": stopped, "dropout": dropped, "L2": penalized}
for name, cured in cures.items():
    seen = cured.evaluate(x, y, return_dict=True, verbose=0)["accuracy"]
    new = cured.evaluate(x_test, y_test, return_dict=True, verbose=0)["accuracy"]
    print(f"{name:14} training {seen:.1%}   test {new:.1%}")

# %% [markdown]
# Read the two columns together. Without a cure, nearly all of the training labels are "right", *including the
# wrong ones*, and the test suffers. Each cure makes the training worse and the test better. That is what
# "generalizing" means.
#
# (One run with one seed proves little. Change the seed in `network` and see which of the differences stay.)
#
# The best cure is not in the table: **more data**. Try it: `x_train[:800]` instead of `[:300]`.
#
# ## Remember
#
# - Training loss falls, validation loss rises: **overfitting**. Without validation data, you cannot see it.
# - Keep the test data for the very end, or you will overfit to them yourself.
# - **Early stopping** keeps the best epoch. **Dropout** makes units independent:
#   `dx = dy · mask / (1 − rate)`. **L2** adds `2 λ w` to the gradient.
# - What is common to many samples is learned first; what is special to one comes last.
#
# Next: [convolution and pooling, backwards](08_convolution.ipynb).
#
# ## Solution


# %% jupyter={"source_hidden": true}
def dropout_backward(dy, mask, rate):
    return dy * mask / (1 - rate)  # what was made larger on the way forward is felt more


teach.check("dropout_backward", dropout_backward)
