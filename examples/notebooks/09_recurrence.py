# %% [markdown]
# # 9. Recurrence, and gradients that vanish
#
# Text, sound, prices: some things come one after the other. A network that reads them needs a memory. The
# question of this lesson: **how does the blame travel back in time, and does it arrive?**

# %%
import matplotlib.pyplot as plt
import numpy as np

import minikeras as mk
from minikeras import teach
from minikeras.layers import LSTM, Dense, Input, SimpleRNN

plt.rcParams["figure.dpi"] = 80

# %% [markdown]
# ## A layer that hears itself
#
# A **recurrent** layer takes one step at a time. Its state `h` depends on the new input *and* on its own
# state before:
#
#     h_t = tanh(x_t W + h_(t−1) U + b)
#
# The same `W` and `U` at every step, as the same kernel was used at every place in lesson 8. Written out, it
# is a deep network, with as many layers as there are steps:
#
#            x_1          x_2          x_3
#             ↓ W          ↓ W          ↓ W
#     0 ──U─→ h_1 ───U───→ h_2 ───U───→ h_3 ──→ answer ──→ L
#
# So we know how to go back already: layer by layer, from the last step to the first. It is called
# *backpropagation through time*, which sounds harder than it is. At each step, with `dh` arriving from the
# right:
#
#     dz = (1 − h_t²) dh            tanh' = 1 − tanh²
#     dW += x_tᵀ dz                 += : every step uses the same weights
#     dU += h_(t−1)ᵀ dz
#     dh  = dz Uᵀ                   on to the step before
#
# ## Exercise: through time

# %%
teach.exercise("rnn_backward")


# %%
def rnn_backward(dh, x, h, kernel, recurrent):
    dx, dkernel, drecurrent = np.zeros_like(x), np.zeros_like(kernel), np.zeros_like(recurrent)
    for t in reversed(range(x.shape[1])):
        dz = dh * (1 - h[:, t + 1] ** 2)
        dx[:, t] = dz @ kernel.T
        dkernel += x[:, t].T @ dz
        drecurrent += h[:, t].T @ dz
        dh = dz @ recurrent
    return dx, dkernel, drecurrent


teach.check("rnn_backward", rnn_backward)

# %%
print(teach.exercise("rnn_backward").hint(3))

# %% [markdown]
# ## The same matrix, again and again
#
# Look at the last line of the loop: at each step back, the gradient is multiplied by `Uᵀ`. After 50 steps it
# has been multiplied 50 times, with the same matrix. *Guess first*: what becomes of 1 if you multiply it 50
# times by 0.9? And by 1.1?

# %%
rng = np.random.default_rng(9)
turn = np.linalg.qr(rng.normal(size=(16, 16)))[0]  # a matrix that keeps lengths as they are

figure, axis = plt.subplots(figsize=(6, 3.2))
for factor in (1.1, 1.0, 0.9, 0.7):
    dh, norms = rng.normal(size=16) / 4, []
    for _ in range(50):
        norms.append(np.linalg.norm(dh))
        dh = dh @ (factor * turn).T
    axis.semilogy(norms, label=f"{factor} times a turn")
axis.set(xlabel="steps back in time", ylabel="|dh|", title="without tanh: what U alone does")
axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# It **explodes** or it **vanishes**, and only on a knife's edge it stays. Exploding is easily cured: if a
# gradient is too long, make it shorter (`SGD(clipnorm=1.0)`). Vanishing is worse. The news from long ago is
# not loud and wrong; it is *not there*.
#
# And we have not counted `tanh` yet. Its slope is at most 1, and where a unit is saturated it is nearly 0. It
# can only make things worse.
#
# ## Does it arrive?
#
# A task that is all about memory: a row of 60 numbers. The **first** is +1 or −1; the others are noise, just
# as loud. At the end, say what the first one was.


# %%
def rows(count, steps, seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 2, count)
    x = rng.normal(size=(count, steps, 1)).astype("float32")
    x[:, 0, 0] = 2 * first - 1
    return x, first


STEPS, UNITS = 60, 16
x, y = rows(600, STEPS, seed=1)
x_new, y_new = rows(400, STEPS, seed=2)


def network(kind, seed):
    mk.utils.set_random_seed(seed)
    layers = kind(UNITS, name="memory"), Dense(1, "sigmoid", name="answer")
    model = mk.Sequential([Input((STEPS, 1)), *layers])
    model.compile(mk.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def arriving(model):
    """How large dL/dx is at each step, on average over the samples."""
    dx = teach.trace(model, x[:100], y[:100])["memory"].dx  # (100, steps, 1)
    return np.sqrt((dx**2).mean(axis=(0, 2)))


# %% [markdown]
# There are two contestants. One is the layer from above. The other is the **LSTM**, which was made for this
# very problem. It has, beside `h`, a second memory `c`, a conveyor belt through time that no matrix and no
# tanh stands in the way of:
#
#     c_t = f · c_(t−1) + i · g          f, i, o between 0 and 1: gates, learned as well
#     h_t = o · tanh(c_t)
#
# Backwards along the belt: `dc_(t−1) = f · dc_t`. One number per unit, instead of a matrix and a slope. **If
# the forget gate `f` is open (near 1), the gradient passes unharmed**, over any distance. How far it is open
# before any training is decided by its bias, `f = σ(bias + ...)`. So let us look at fresh networks, and turn
# that bias:


# %%
def lstm(forget_bias, seed=9):
    model = network(LSTM, seed)
    kernel, recurrent, bias = model.get_layer("memory").get_weights()
    bias[UNITS : 2 * UNITS] = forget_bias  # the order of the gates is i, f, g, o
    model.get_layer("memory").set_weights([kernel, recurrent, bias])
    return model


def simple(seed=9):
    return network(SimpleRNN, seed)


figure, axis = plt.subplots(figsize=(6.5, 3.6))
axis.semilogy(arriving(simple()), "--", color="black", label="SimpleRNN")
for bias in (0, 1, 3, 5):
    axis.semilogy(
        arriving(lstm(bias)), label=f"LSTM, bias {bias}: f = {1 / (1 + np.exp(-bias)):.2f}"
    )
axis.set(
    xlabel="step (the answer comes after the last)", ylabel="|dL/dx|", title="before training"
)
axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# Read it from the right, the last step, to the left, back in time. In the SimpleRNN the news of the first
# number arrives ten thousand times weaker than that of the last. In an LSTM whose gates are half closed it is
# *worse*, `0.5⁶⁰` is nothing at all. And with open gates, it even arrives best. The usual start is a bias of
# 1 (`unit_forget_bias`).
#
# ## And is it learned?
#
# Three kinds of network, four fresh starts of each, 15 epochs, and new rows to be tested with. Half right is
# guessing.

# %%
kinds = {
    "SimpleRNN": simple,
    "LSTM, bias 1": lambda s: lstm(1, s),
    "LSTM, bias 5": lambda s: lstm(5, s),
}
figure, axis = plt.subplots(figsize=(6.5, 2.4))
for row, (name, make) in enumerate(kinds.items()):
    shares = []
    for seed in (1, 2, 3, 4):
        model = make(seed)
        model.fit(x, y, batch_size=50, epochs=15, verbose=0)
        shares.append(model.evaluate(x_new, y_new, verbose=0)[1])
    axis.plot(shares, [row] * 4, "o", markersize=9, alpha=0.6)
    print(f"{name}: " + ", ".join(f"{share:.0%}" for share in shares))
axis.axvline(0.5, color="#888", linestyle=":")
axis.set(yticks=range(3), yticklabels=kinds, ylim=(2.5, -0.5), xlabel="right on new rows")
plt.show()

# %% [markdown]
# What we saw in the gradients *before* any training came true *in* the training. Where the news arrives, it
# is learned; where it does not, it is a matter of luck. (Luck exists: a SimpleRNN may happen to stand on the
# knife's edge. Try rows of 100.)
#
# And once it has learned, what does it listen to?

# %%
model = lstm(5, seed=1)
model.fit(x, y, batch_size=50, epochs=15, verbose=0)
figure, axis = plt.subplots(figsize=(6.5, 2.6))
axis.bar(range(STEPS), arriving(model), color="#3b76c4")
axis.set(
    xlabel="step", ylabel="|dL/dx|", title="after training: which steps matter to the loss"
)
plt.show()

# %% [markdown]
# To the first number, as it should; and still to the very last one, which it has not quite learned to ignore.
#
# ## Remember
#
# - A recurrent layer is a deep network that uses **the same weights at every step**. Backwards, their
#   gradients add up.
# - Going back, the gradient is multiplied by `Uᵀ` and by `tanh'` at each step: it **vanishes** or
#   **explodes**.
# - Exploding: clip it. Vanishing: build a road without obstacles. The LSTM's is `c_t = f c_(t−1) + ...`.
# - The same idea, a plain sum past the obstacle, is what makes very deep networks possible today ("residual"
#   layers).
#
# Next, and last: [your own layer](10_own_layer.ipynb), and the proof that it is right.
#
# ## Solution


# %% jupyter={"source_hidden": true}
def rnn_backward(dh, x, h, kernel, recurrent):
    dx, dkernel, drecurrent = np.zeros_like(x), np.zeros_like(kernel), np.zeros_like(recurrent)
    for t in reversed(range(x.shape[1])):
        dz = dh * (1 - h[:, t + 1] ** 2)
        dx[:, t] = dz @ kernel.T
        dkernel += x[:, t].T @ dz
        drecurrent += h[:, t].T @ dz
        dh = dz @ recurrent.T  # back through h_(t−1) U: transposed, as always
    return dx, dkernel, drecurrent


teach.check("rnn_backward", rnn_backward)
