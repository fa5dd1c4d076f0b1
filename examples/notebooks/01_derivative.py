# %% [markdown]
# # 1. The derivative by wiggling
#
# A network is a machine with very many knobs. To train it, we need to know one thing about each knob:
# **if I turn it a little, does the error go up or down, and how fast?**
#
# You can find that out without any calculus: turn the knob, and look. This lesson does just that. It is the
# slowest way there is, and the most honest; at the end of the course it will still be our judge.
#
# *You need*: Python and a little NumPy. *It takes* 20 minutes. Run each cell with Shift+Enter, and change
# whatever you like: nothing here can break.

# %%
import matplotlib.pyplot as plt
import numpy as np

import minikeras as mk
from minikeras import teach

plt.rcParams["figure.dpi"] = 80
mk.utils.set_random_seed(1)  # so that you see the same numbers as everybody else

# %% [markdown]
# ## One knob
#
# You bought 3 scoops of ice cream and paid 6. What does a scoop cost? You have a guess, `w`. It would have
# cost you `3 w`, so your error is `3 w − 6`. We square it, so that too much and too little are equally bad:
#
#     L(w) = (3 w − 6)²
#
# `L` is the **loss**: 0 is perfect, more is worse. Suppose your guess is 1.


# %%
def loss(w):
    return (3 * w - 6) ** 2


for w in (1.0, 1.1, 0.9):
    print(f"a scoop costs {w}: the loss is {loss(w):.2f}")

# %% [markdown]
# Turning the knob up from 1.0 to 1.1 took the loss down from 9 to 7.29. So: **up is good**. And how fast does
# the loss fall? We moved by 0.1 and it changed by −1.71, that is −17.1 for each unit of `w`. Let us take
# smaller and smaller steps `h`. *Before you run this: do you expect the number to settle?*

# %%
w = 1.0
for h in (1.0, 0.1, 0.01, 0.001, 0.0001):
    slope = (loss(w + h) - loss(w)) / h
    print(f"h = {h:<7} slope = {slope:.4f}")

# %% [markdown]
# It settles at −18. That number is the **derivative** of `L` at `w = 1`, written `dL/dw`:
#
#     dL/dw ≈ (L(w + h) − L(w)) / h        for a small h
#
# In the picture: a line through two points of the curve, and what becomes of it when the points come closer.

# %%
ws = np.linspace(0.0, 3.2, 100)
figure, axis = plt.subplots(figsize=(6, 3.6))
axis.plot(ws, loss(ws), color="black", label="L(w)")
for h, colour in ((1.0, "#d9722e"), (0.5, "#b5498f"), (0.001, "#3b76c4")):
    slope = (loss(1 + h) - loss(1)) / h
    axis.plot(
        ws, loss(1) + slope * (ws - 1), color=colour, label=f"h = {h:g}: slope {slope:.1f}"
    )
    axis.plot([1, 1 + h], [loss(1), loss(1 + h)], "o", color=colour, markersize=5)
axis.set(
    xlabel="w, the price of a scoop", ylabel="loss", ylim=(-3, 25), title="the slope at w = 1"
)
axis.legend()
plt.show()

# %% [markdown]
# If you know some calculus: the derivative of `(3 w − 6)²` is `2 (3 w − 6) · 3`, which is −18 at `w = 1`.
# Good. But notice that we never needed the formula. We only needed to be able to *compute* the loss.
#
# ## Both sides are better than one
#
# Look at the table again: with `h = 0.01` we got −17.91, which is still 0.09 off. Now wiggle to *both* sides:
#
#     dL/dw ≈ (L(w + h) − L(w − h)) / 2h
#
# The two points are `2h` apart, so we divide by `2h`. (This is forgotten about once in every class.) On the
# way up and on the way down the curve bends away from the line by nearly the same amount, and that cancels.
#
# Our parabola is too well-behaved to show a difference: for it, the two-sided answer is exact. Take something
# with more bends.


# %%
def bendy(w):
    return np.sin(w) * np.exp(w)


def error(slope):
    return abs(slope - (np.sin(1) + np.cos(1)) * np.exp(1))  # this is the exact slope at 1


steps = 10.0 ** np.arange(-12, 0)
one_sided = [error((bendy(1 + h) - bendy(1)) / h) for h in steps]
two_sided = [error((bendy(1 + h) - bendy(1 - h)) / (2 * h)) for h in steps]
coarse = []
for h in steps[6:].astype("float32"):
    coarse.append(error((bendy(1 + h) - bendy(1 - h)) / (2 * h)))

figure, axis = plt.subplots(figsize=(6, 3.6))
axis.loglog(steps, one_sided, "o-", color="#d9722e", label="one side")
axis.loglog(steps, two_sided, "o-", color="#3b76c4", label="both sides")
axis.loglog(steps[6:], coarse, "o--", color="#888888", label="both sides, float32")
axis.set(xlabel="h", ylabel="error", title="a smaller h is better, until it is not")
axis.legend()
plt.show()

# %% [markdown]
# There is a lot in this picture. Read it from the right:
#
# - **The error falls with h**: ten times smaller `h`, ten times smaller error with one side, a *hundred*
#   times with both.
# - **Then it rises again!** A computer keeps about 16 digits of a number. When `L(w + h)` and `L(w − h)`
#   agree in the first 12 of them, the difference has only 4 digits left. The best `h` for both sides is near
#   0.00001.
# - **In `float32`**, with its 7 digits, wiggling hardly works at all: a few digits, and only if you are lucky
#   with `h`. Networks are usually trained in float32. *Gradients must be checked in float64*; more people
#   have stumbled over that than over any formula.
#
# ## What is it good for? Going downhill
#
# The slope at 1 is −18: the loss falls when `w` grows. So take a small step against the slope, and again:
#
#     w ← w − learning_rate · dL/dw

# %%
w, path = 0.2, []
for step in range(8):
    path.append(w)
    slope = (loss(w + 1e-5) - loss(w - 1e-5)) / 2e-5
    print(f"step {step}: w = {w:.4f}   loss = {loss(w):8.4f}   slope = {slope:8.3f}")
    w = w - 0.03 * slope

figure, axis = plt.subplots(figsize=(6, 3.2))
axis.plot(ws, loss(ws), color="black")
axis.plot(path, loss(np.array(path)), "o--", color="#d9722e")
axis.set(
    xlabel="w, the price of a scoop",
    ylabel="loss",
    title="steps as long as the slope is steep",
)
plt.show()

# %% [markdown]
# A scoop costs 2. Nobody told the computer how to divide 6 by 3; it felt its way downhill. **Every network in
# this course, and every large one in the world, is trained by this one line**, only with more knobs.
#
# *Try it*: what happens with a learning rate of 0.1? And of 0.12? Can you explain it with the picture?
#
# ## Many knobs
#
# With many numbers, wiggle them one at a time and leave the others alone. All the slopes together are called
# the **gradient**; it has the shape of what was wiggled.
#
# ## Exercise: write it yourself

# %%
teach.exercise("numerical_derivative")

# %% [markdown]
# Here is a first attempt by somebody in a hurry. Run it, read what the judge says, and **mend the function
# until he is content**. (It really is only one line.)


# %%
def numerical_derivative(f, x, h):
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):  # all places of x: (0, 0), (0, 1), ...
        step = np.zeros_like(x)
        step[i] = h  # h at this one place, 0 elsewhere
        gradient[i] = (f(x + step) - f(x)) / h  # <- mend this line
    return gradient


teach.check("numerical_derivative", numerical_derivative)

# %% [markdown]
# Stuck? There are hints, and each says more than the one before. (The solution waits at the end of the
# lesson.)

# %%
print(teach.exercise("numerical_derivative").hint(1))

# %% [markdown]
# ## So why do we need anything else?
#
# Because of the price. To wiggle one knob, the loss must be computed twice. How many knobs are there?

# %%
model = mk.Sequential(
    [mk.layers.Input((784,)), mk.layers.Dense(128, "relu"), mk.layers.Dense(10, "softmax")]
)
knobs = model.count_params()
print(f"a small network for handwritten digits has {knobs:,} knobs,")
print(f"so one single step downhill would take {2 * knobs:,} runs of the network.")

# %% [markdown]
# **Backpropagation gets all those slopes with one run forward and one run backward.** That is the whole
# reason for its fame, and how it does it is what the next lessons are about.
#
# And yet wiggling stays. It is so simple that it can hardly be wrong, so it can judge cleverer ways.
# `teach.gradcheck` wiggles (both sides, `h = 0.00001`, float64) and compares with what a layer's backward
# pass claims:

# %%
x = np.random.default_rng(0).normal(size=(5, 3))
teach.gradcheck(mk.layers.Dense(2, "tanh", name="dense"), x)

# %% [markdown]
# ## A place without a slope
#
# One warning. `relu(x) = max(x, 0)`, which you will meet often, has a corner at 0. Left of it the slope is 0,
# right of it 1. What is the slope *at* the corner? There is none: the backward pass says 0, and wiggling to
# both sides says one half (of the random number that `gradcheck` multiplies each output with). `gradcheck`
# notices and calls it what it is, a **kink**. Training is not troubled by it: you hardly ever stand exactly
# on a corner.

# %%
teach.gradcheck(mk.activations.get("relu"), np.array([[-1.0, 0.0, 2.0]]))

# %% [markdown]
# ## Remember
#
# - The **derivative** `dL/dw` says how fast the loss changes when you turn the knob `w`. Its sign says which
#   way is up.
# - Wiggle to both sides, `(L(w + h) − L(w − h)) / 2h`, with `h` near 0.00001, in float64.
# - **Training** is `w ← w − learning_rate · dL/dw`, over and over.
# - Wiggling costs two runs for each knob. That is too much for training, and just right for checking.
#
# Next: [one neuron](02_one_neuron.ipynb), and the same slopes without any wiggling.
#
# ## Solution


# %% jupyter={"source_hidden": true}
def numerical_derivative(f, x, h):
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        gradient[i] = (f(x + step) - f(x - step)) / (2 * h)
    return gradient


teach.check("numerical_derivative", numerical_derivative)
