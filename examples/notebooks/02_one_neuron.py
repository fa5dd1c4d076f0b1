# %% [markdown]
# # 2. One neuron
#
# In the [first lesson](01_derivative.ipynb) we turned one knob and watched the loss. Now we build the
# smallest thing that deserves the name of a network, a single **neuron**, and get the slopes of all its knobs
# at once, without wiggling.
#
# The question of this lesson: **if the answer is wrong, how much of the blame belongs to each knob?**

# %%
import matplotlib.pyplot as plt
import numpy as np

import minikeras as mk
from minikeras import teach

plt.rcParams["figure.dpi"] = 80
mk.utils.set_random_seed(1)
rng = np.random.default_rng(1)

# %% [markdown]
# ## A neuron that guesses prices
#
# The ice cream shop again, now with toppings. From the bills of 40 guests we want to learn the prices. Each
# bill is a row `x = (scoops, toppings)`, and `t`, the **target**, is what was paid. The neuron's guess is
#
#     y = x₁ w₁ + x₂ w₂ + b
#
# with two **weights** (the prices) and a **bias** `b` (say, the price of the cone). Begin with one guest, who
# had 3 scoops and 1 topping and paid 7.

# %%
x, t = np.array([3.0, 1.0]), 7.0
w, b = np.array([1.0, 1.0]), 0.0

y = x @ w + b  # 3·1 + 1·1 + 0
L = 0.5 * (y - t) ** 2  # the ½ will cancel a 2 in a moment
print(f"guess {y}, paid {t}, loss {L}")

# %% [markdown]
# ## The chain
#
# How does `w₁` influence the loss? Not directly. It changes `y`, and `y` changes `L`:
#
#     w₁  ──→  y = x₁ w₁ + x₂ w₂ + b  ──→  L = ½ (y − t)²
#
# Each arrow has a slope of its own, and both are easy:
#
#     dL/dy  = y − t       if y grows by 1, the loss grows by y − t    (here −3)
#     dy/dw₁ = x₁          if w₁ grows by 1, y grows by x₁             (here 3)
#
# If `w₁` grows by a little, `y` grows 3 times as much, and `L` by −3 times of *that*. So the slopes are
# **multiplied**. That is the chain rule, the only theorem that you need for this course:
#
#     dL/dw₁ = dL/dy · dy/dw₁ = (y − t) x₁
#
# Read it as blame: the error is `y − t`, and a weight carries the more of it, the more its input had to say.
# A guest without toppings tells us nothing about the price of toppings.

# %%
dy = y - t  # dL/dy
dw = dy * x  # dL/dw, both at once
db = dy * 1.0  # y grows as fast as b
print("by the chain rule:", dw, db)


def loss_of(w, b):
    return 0.5 * (x @ w + b - t) ** 2


def slope(f, at, h=1e-5):
    return round((f(at + h) - f(at - h)) / (2 * h), 6)


print(
    "by wiggling:      ",
    slope(lambda w1: loss_of([w1, 1.0], 0.0), 1.0),
    slope(lambda w2: loss_of([1.0, w2], 0.0), 1.0),
    slope(lambda b: loss_of([1.0, 1.0], b), 0.0),
)

# %% [markdown]
# The same numbers, without a single extra run of the neuron. From now on a name such as `dw` always means
# `dL/dw`: *how the loss changes when w does*. And it always has the shape of `w`.
#
# ## Many guests
#
# All bills at once: `X` has a row for each guest. The loss is the **mean** over the guests, so that it does
# not depend on how many there are, and the gradient is therefore the mean of theirs.

# %%
X = rng.integers(0, 5, size=(40, 2)).astype(float)  # (guests, 2)
T = X @ [2.0, 0.5] + 1.0 + rng.normal(0, 0.1, 40)  # scoops 2.00, toppings 0.50, a cone 1.00
print(X[:4], T[:4].round(2), sep="\n")

# %% [markdown]
# ## Exercise 1: the gradient of a mean
#
# The task (without a bias, to keep it short):

# %%
teach.exercise("batch_mean_gradient")

# %% [markdown]
# Here is what most people write first. It runs, it has the right shape, it even learns.
# **What is wrong with it? Mend it.**


# %%
def batch_mean_gradient(x, w, t):
    return x.T @ (x @ w - t)


teach.check("batch_mean_gradient", batch_mean_gradient)

# %% [markdown]
# This is mistake number one in all of backpropagation: a factor of `N` too many or too few. It does not
# crash. It only makes your learning rate mean something else for each batch size. Hints:

# %%
print(teach.exercise("batch_mean_gradient").hint(2))

# %% [markdown]
# ## Let it learn

# %%
w, b, losses = np.zeros(2), 0.0, []
for _ in range(150):
    y = X @ w + b  # (guests,)
    losses.append(0.5 * np.mean((y - T) ** 2))
    dy = (y - T) / len(X)  # dL/dy: the mean puts its 1/N here, once and for all
    w = w - 0.1 * (X.T @ dy)  # dL/dw = Xᵀ dy
    b = b - 0.1 * dy.sum()  # dL/db = Σ dy

figure, axis = plt.subplots(figsize=(6, 3))
axis.semilogy(losses, color="#3b76c4")
axis.set(
    xlabel="step", ylabel="loss", title=f"scoop {w[0]:.2f}, topping {w[1]:.2f}, cone {b:.2f}"
)
plt.show()

# %% [markdown]
# It found the prices (2.00, 0.50 and 1.00, up to the noise in the bills).
#
# ## Yes or no?
#
# Many questions are not *how much* but *which*. Is this fruit a lemon or an apple? The neuron's sum
# `z = x w + b` can be any number, so we squeeze it between 0 and 1 with the **sigmoid**, and read it as "how
# sure am I that it is an apple":
#
#     y = σ(z) = 1 / (1 + e^−z)

# %%
z = np.linspace(-8, 8, 200)
s = 1 / (1 + np.exp(-z))
figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(z, s, color="#3b76c4", label="σ(z)")
axis.plot(z, s * (1 - s), color="#d9722e", label="its slope, σ(z) (1 − σ(z))")
axis.set(xlabel="z", title="where the neuron is sure, the slope is nearly 0")
axis.legend()
plt.show()

# %% [markdown]
# A longer chain: `w → z → y → L`. One more arrow, one more factor, and nothing else changes:
#
#     dz = dL/dz = dy · σ'(z) = dy · y (1 − y)
#
# ## Exercise 2: backwards through the sigmoid
#
# Note that the function is given `y`, not `z`. It was computed on the way forward, so why compute it again?

# %%
teach.exercise("sigmoid_backward")


# %%
def sigmoid_backward(dy, y):
    sigmoid = 1 / (1 + np.exp(-y))
    return dy * sigmoid * (1 - sigmoid)


teach.check("sigmoid_backward", sigmoid_backward)

# %%
print(teach.exercise("sigmoid_backward").hint(1))

# %% [markdown]
# ## Lemons and apples
#
# 30 of each, measured by their redness and their roundness. We could write the loop again, but this is what
# minikeras is for: `Dense(1, "sigmoid")` *is* our neuron. The `BoundaryFilm` takes a picture of what the
# neuron thinks of every point of the plane, before the training and after every 20 epochs. Move the slider!

# %%
fruit = np.concatenate(
    [rng.normal([-1.0, -0.6], 0.6, (30, 2)), rng.normal([0.9, 0.8], 0.6, (30, 2))]
)
kind = np.repeat([0, 1], 30)

neuron = mk.Sequential([mk.layers.Input((2,)), mk.layers.Dense(1, "sigmoid", name="neuron")])
neuron.compile(mk.optimizers.SGD(0.5), "mse")
neuron.set_weights([np.array([[0.5], [-2.0]]), np.zeros(1)])  # a bad start, to see it learn
film = teach.BoundaryFilm(fruit, kind, every=20)
neuron.fit(fruit, kind, batch_size=60, epochs=100, callbacks=[film], verbose=0)
film

# %% [markdown]
# The border between the two is a straight line: the points where `x₁ w₁ + x₂ w₂ + b = 0`. The weights turn
# it, the bias shifts it.
#
# ## Sure, and wrong
#
# Look at the orange curve above once more. Where the neuron is very sure, its slope is almost 0, and the
# slope is a *factor* in the chain. So what if it is very sure, and wrong? It should learn fastest then. Does
# it?

# %%
figure, axis = plt.subplots(figsize=(6, 3))
for start, colour in ((-0.5, "#3b76c4"), (-3.0, "#b5498f"), (-5.0, "#d9722e")):
    neuron.set_weights([np.full((2, 1), start), np.zeros(1)])
    history = neuron.fit(fruit, kind, batch_size=60, epochs=150, verbose=0)
    axis.plot(history.history["loss"], color=colour, label=f"both weights begin at {start}")
axis.set(xlabel="epoch", ylabel="loss", ylim=(0, 1.6))
axis.set_title("the surer it is of the wrong answer, the slower it learns")
axis.legend()
plt.show()

# %% [markdown]
# The neuron is **saturated**: its error is as large as it can be, and the gradient is next to nothing.
# Remember this picture. Lesson 4 mends it with a better loss, and lesson 9 meets the same enemy again.
#
# ## What one neuron cannot do
#
# A straight line is all it has. Here is a pattern that no straight line can divide (it is called XOR: orange
# where *exactly one* of the two numbers is positive):

# %%
corners = rng.normal(0, 0.25, (80, 2)) + np.repeat(
    [[1, 1], [-1, -1], [1, -1], [-1, 1]], 20, axis=0
)
odd = np.repeat([0, 0, 1, 1], 20)
history = neuron.fit(corners, odd, batch_size=80, epochs=300, verbose=0)
right = np.mean((neuron.predict(corners, verbose=0)[:, 0] > 0.5) == odd)
print(f"after 300 epochs it is right for {right:.0%} of the points")
teach.decision_boundary(neuron, corners, odd)

# %% [markdown]
# Three corners of four: no straight line can do better. It takes more neurons, in more than one layer, and
# then the question of blame becomes interesting: whose fault is it, if the fault is deep inside? That is the
# [next lesson](03_chain_rule.ipynb).
#
# ## Remember
#
# - **Chain rule**: where influences follow each other, their slopes are multiplied.
# - `dL/dw = dL/dy · x`: a weight's share of the blame is the error times its input.
# - With a loss that is a mean, the `1/N` belongs into `dL/dy`, once. After that, only sums.
# - A **saturated** neuron has a slope near 0, and does not learn however wrong it is.
#
# ## Solutions


# %% jupyter={"source_hidden": true}
def batch_mean_gradient(x, w, t):
    return x.T @ (x @ w - t) / len(x)  # the mean, not the sum


teach.check("batch_mean_gradient", batch_mean_gradient)


# %% jupyter={"source_hidden": true}
def sigmoid_backward(dy, y):
    return dy * y * (1 - y)  # y is the sigmoid already


teach.check("sigmoid_backward", sigmoid_backward)
