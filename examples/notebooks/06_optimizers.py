# %% [markdown]
# # 6. Optimizers and learning rates
#
# So far every step was `w ← w − learning_rate · dL/dw`. The gradient says which way is down. It does not say
# **how far to go**, and that is what this lesson is about.

# %%
import matplotlib.pyplot as plt
import numpy as np

import minikeras as mk
from minikeras import teach
from minikeras.datasets import digits
from minikeras.layers import Dense, Input
from minikeras.optimizers import SGD, Adam, RMSprop

plt.rcParams["figure.dpi"] = 80
mk.utils.set_random_seed(6)
(x_train, y_train), _ = digits.load_data()
x = x_train.reshape(-1, 64) / 16

# %% [markdown]
# ## A narrow valley
#
# Two knobs, and a loss that is 25 times as steep in one as in the other: a long, narrow valley.
#
#     L = ½ (w₁² + 25 w₂²)        dL/dw₁ = w₁        dL/dw₂ = 25 w₂
#
# Real losses are full of such valleys. Walk down with three learning rates. *Which one will win?*


# %%
def gradient(w):
    return w * [1.0, 25.0]


def walk(update, steps=40):
    """The places that a rule goes through from (-9, 1.5); the rule returns a new place."""
    w, memory, places = np.array([-9.0, 1.5]), {}, []
    for t in range(1, steps + 1):
        places.append(w)
        w = update(w, gradient(w), memory, t)
    return np.array([*places, w])


def draw(paths):
    size = (3 * len(paths), 2.4)
    _, axes = plt.subplots(1, len(paths), figsize=size, sharey=True, layout="constrained")
    a, b = np.meshgrid(np.linspace(-10, 4, 80), np.linspace(-2.6, 2.6, 80))
    L = 0.5 * (a**2 + 25 * b**2)
    for axis, (title, path) in zip(axes, paths.items(), strict=True):
        axis.contour(a, b, L, levels=[0.5, 5, 20, 50, 80], colors="#bbb", linewidths=1)
        axis.plot(*path.T, "o-", color="#d9722e", markersize=3, linewidth=1)
        axis.plot(0, 0, "*", color="#3b76c4", markersize=12)
        axis.set(title=title, xlabel="w₁", xlim=(-10, 4), ylim=(-2.6, 2.6))
    plt.show()


def plain(rate):
    return walk(lambda w, g, memory, t: w - rate * g)


draw({f"learning rate {rate}": plain(rate) for rate in (0.01, 0.07, 0.081)})

# %% [markdown]
# Too small, and it creeps along the valley. Larger, and it bounces from wall to wall while it still creeps. A
# tiny bit larger, and it is thrown out. The steepest direction sets the limit (here `2/25 = 0.08`), and the
# flattest has to live with it.
#
# ## Momentum: remember where you were going
#
# Let a heavy ball roll down instead. Its speed `m` adds up what all gradients agree upon, and what they do
# not agree upon, the bouncing, cancels:
#
#     m ← momentum · m − learning_rate · g
#     w ← w + m
#
# ## Exercise 1: momentum

# %%
teach.exercise("momentum")


# %%
def momentum(w, g, m, learning_rate, momentum):
    new_w = w + m
    new_m = momentum * m - learning_rate * g
    return new_w, new_m


teach.check("momentum", momentum)

# %%
print(teach.exercise("momentum").hint(2))

# %% [markdown]
# ## Adam: every knob at its own scale
#
# The other idea: why should all knobs have the same learning rate? Divide each gradient by its own typical
# size. Then the steep direction and the flat one make steps of the same length. Adam does both: `m` averages
# the gradients, `v` averages their squares, and the step is `learning_rate · m / √v`.
#
# Both averages begin at 0, so at first they are too small, and Adam corrects for that: after `t` steps, they
# are divided by `1 − βᵗ`.
#
# ## Exercise 2: Adam
#
# Six lines, and one of the best-known algorithms of our time. Somebody has left something out.

# %%
teach.exercise("adam")


# %%
def adam(w, g, m, v, t, learning_rate, beta_1, beta_2, epsilon):
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    return w - learning_rate * m / (np.sqrt(v) + epsilon), m, v


teach.check("adam", adam)

# %%
print(teach.exercise("adam").hint(2))

# %% [markdown]
# Now all three in the valley (with the right formulas):


# %%
def roll(w, g, memory, t):
    memory["m"] = 0.8 * memory.get("m", 0) - 0.02 * g
    return w + memory["m"]


def adapt(w, g, memory, t):
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g**2
    m, v = memory["m"] / (1 - 0.9**t), memory["v"] / (1 - 0.999**t)
    return w - 0.5 * m / (np.sqrt(v) + 1e-7)


draw({"plain, 0.07": plain(0.07), "momentum": walk(roll), "Adam": walk(adapt)})

# %% [markdown]
# Plain descent is still on its way. Momentum arrives, like a ball, with some swinging. Adam begins with
# equally long steps in both directions: it does not see that the valley is narrow. (Then it swings as well,
# since it has a momentum, too.)
#
# ## The race on real digits
#
# The same network from the same weights, with five learning rates. What a learning rate is good for depends
# on the network and on the data, so **this picture is the first thing to draw in any project**. Its cost: a
# few short trainings.


# %%
def network():
    hidden, scores = Dense(32, "relu", name="hidden"), Dense(10, "softmax", name="scores")
    model = mk.Sequential([Input((64,)), hidden, scores])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


teach.learning_rates(network(), x, y_train, epochs=10).plot()

# %% [markdown]
# Each of these is plain gradient descent, and only the length of the step differs: from "asleep" to "blown
# up". A factor of ten is a good first grid; the best is usually the largest one that does not blow up, or
# somewhat less.
#
# Now different optimizers, each with a learning rate that suits it:

# %%
racers = {
    "SGD 0.1": SGD(0.1),
    "SGD 0.1, momentum 0.9": SGD(0.1, momentum=0.9),
    "RMSprop 0.003": RMSprop(0.003),
    "Adam 0.003": Adam(0.003),
}
teach.learning_rates(network(), x, y_train, racers, epochs=10).plot()

# %% [markdown]
# Do not believe anyone who says that one of them is the best. What Adam really gives you is that *its*
# learning rate needs less care: 0.001 to 0.003 works nearly everywhere, because the step no longer depends on
# how large the gradient is.
#
# ## The landscape
#
# The network has 2,410 knobs, so its loss is a landscape in 2,410 dimensions. We cannot see that, but we can
# cut it open along the plane in which the training moved most. The star is where it ended; each dot is an
# epoch.

# %%
model, path = network(), teach.WeightPath()
model.compile(SGD(0.05), "sparse_categorical_crossentropy")
model.fit(x, y_train, epochs=15, callbacks=[path], verbose=0)
teach.loss_landscape(model, x[:300], y_train[:300], path=path).plot()

# %% [markdown]
# Long steps while it is steep, then shorter and shorter ones along a flat valley: the same picture as above,
# only real.
#
# ## One update under the magnifying glass
#
# The `Stepper` of lesson 3 shows the optimizer's work, too: the old weight, its gradient, what the optimizer
# remembers of it, and the new weight. At Adam's very first step, every weight moves by almost exactly the
# learning rate, 0.1 here, whatever its gradient. Do you see why? (With one gradient only, `m/√v` is `g/|g|`.)

# %%
tiny = mk.Sequential([Input((3,)), Dense(2, name="dense")])
tiny.compile(Adam(0.1), "mse")
stepper = teach.Stepper(tiny, [[1.0, 2.0, 0.01]], [[1.0, -1.0]])
print(stepper.run_to("update"))

# %% [markdown]
# ## Remember
#
# - The gradient gives the direction, the **learning rate** the length. Too small: slow. Too large: thrown
#   out.
# - In a narrow valley the steepest direction limits the step, and the flattest one waits.
# - **Momentum** adds up what the gradients agree on. **Adam** gives every knob its own scale.
# - First of all, try learning rates that differ by factors of 10.
#
# Next: [overfitting](07_overfitting.ipynb), or what happens when training goes *too* well.
#
# ## Solutions


# %% jupyter={"source_hidden": true}
def momentum(w, g, m, learning_rate, momentum):
    m = momentum * m - learning_rate * g  # first the new speed,
    return w + m, m  # then move with it


teach.check("momentum", momentum)


# %% jupyter={"source_hidden": true}
def adam(w, g, m, v, t, learning_rate, beta_1, beta_2, epsilon):
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return w - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v


teach.check("adam", adam)
