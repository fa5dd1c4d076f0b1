# %% [markdown]
# # 3. The chain rule, layer by layer
#
# One neuron draws a straight line. Several neurons draw several, and a neuron behind them can combine them.
# But now some of the knobs are deep inside, and the loss only looks at what comes out at the end.
#
# The question: **how does the blame travel back to a knob in the first layer?**

# %%
import inspect

import numpy as np

import minikeras as mk
from minikeras import teach
from minikeras.layers import Dense, Input

mk.utils.set_random_seed(3)
rng = np.random.default_rng(3)

x = rng.normal(0, 0.25, (80, 2)) + np.repeat([[1, 1], [-1, -1], [1, -1], [-1, 1]], 20, axis=0)
t = np.repeat([[0.0], [0.0], [1.0], [1.0]], 20, axis=0)  # the pattern of lesson 2

# %% [markdown]
# ## Forward, every step with a name
#
# Two layers: 4 neurons with tanh, and one with a sigmoid that has the last word. Data flow to the right; each
# line below is one box:
#
#     x ──→ z1 = x W1 + b1 ──→ h = tanh(z1) ──→ z2 = h W2 + b2 ──→ y = σ(z2) ──→ L = mean ½ (y − t)²

# %%
W1, b1 = rng.normal(size=(2, 4)), rng.normal(size=4)
W2, b2 = rng.normal(size=(4, 1)), rng.normal(size=1)


def forward(x, W1, b1, W2, b2):
    z1 = x @ W1 + b1  # (80, 4)
    h = np.tanh(z1)
    z2 = h @ W2 + b2  # (80, 1)
    y = 1 / (1 + np.exp(-z2))
    return z1, h, z2, y, 0.5 * np.mean((y - t) ** 2)


z1, h, z2, y, L = forward(x, W1, b1, W2, b2)
print(f"loss {L:.4f}")

# %% [markdown]
# ## Backward, every step with a name
#
# Now walk the same road back. At each box we hold the gradient of its *output*, and ask two things: what is
# the gradient of its *input* (that we carry on), and what is the gradient of its *knobs* (that we keep)? We
# never need to know what lies further ahead:
# **all that the rest of the network has to say is contained in the gradient that arrives.**
#
#     dx ←── dz1 ←── dh ←── dz2 ←── dy ←── L
#             └→ dW1, db1    └→ dW2, db2
#
# The boxes with a matrix are the only ones where one has to think, and there is a trick: *the shapes decide*.
# `dW2` must have the shape of `W2`, (4, 1). We have `h`, (80, 4), and `dz2`, (80, 1). There is only one
# product that fits: `hᵀ dz2`. And its inner sum runs over the 80 samples, which is right: all samples share
# the weights, so their blame adds up.

# %%
dy = (y - t) / len(x)  # (80, 1)  the loss is a mean, so 1/N goes in here, and only here
dz2 = dy * y * (1 - y)  # (80, 1)  σ' = y (1 − y)
dW2 = h.T @ dz2  # (4, 1)
db2 = dz2.sum(axis=0)  # (1,)     the bias had an input of 1 in every sample
dh = dz2 @ W2.T  # (80, 4)  each hidden neuron is blamed as far as it was listened to
dz1 = dh * (1 - h**2)  # (80, 4)  tanh' = 1 − tanh²
dW1 = x.T @ dz1  # (2, 4)
db1 = dz1.sum(axis=0)  # (4,)

# %% [markdown]
# Eight lines, and that is backpropagation. Is it right? Ask the judge of lesson 1:

# %%
weights = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
for name, claimed in {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}.items():
    wiggled = np.zeros_like(claimed)
    for i in np.ndindex(claimed.shape):
        step = np.zeros_like(claimed)
        step[i] = 1e-5
        above = forward(x, **{**weights, name: weights[name] + step})[-1]
        below = forward(x, **{**weights, name: weights[name] - step})[-1]
        wiggled[i] = (above - below) / 2e-5
    same = np.allclose(claimed, wiggled, rtol=0, atol=1e-9)
    print(f"d{name}: {'right' if same else 'WRONG'}, {claimed.size} numbers")

# %% [markdown]
# ## The same three lines, again and again
#
# Look at the backward pass: the two layers do the same thing. So let us write it once. A **layer** is a thing
# with two methods: `forward` keeps what it will need, `backward` turns `dL/dy` into `dL/dx`, and leaves the
# gradients of its knobs behind on the way.
#
#     y = x kernel + bias        dx = dy kernelᵀ        dkernel = xᵀ dy        dbias = Σ dy
#
# ## Exercise 1: the most important function of the course

# %%
teach.exercise("dense_backward")

# %% [markdown]
# Somebody has read that "gradients are averaged over the batch", and remembered it at the wrong moment. Run
# this, and mend it. Also try what the judge says if you forget a transpose, or the sum.


# %%
def dense_backward(dy, x, kernel):
    dx = dy @ kernel.T
    dkernel = x.T @ dy
    dbias = dy.mean(axis=0)
    return dx, dkernel, dbias


teach.check("dense_backward", dense_backward)

# %%
print(teach.exercise("dense_backward").hint(1))

# %% [markdown]
# ## Yours, and ours
#
# In minikeras a layer of your own is a class. `teach.OwnDense` is one with everything in place; here we
# inherit from it and write only `backward`. There is a mistake in it: see whether you find it before
# `gradcheck` does.


# %%
class MyDense(teach.OwnDense):
    def backward(self, dy, ctx):
        x = ctx.saved("x")  # forward has kept x, z and y for us
        dz = dy
        np.matmul(x.T, dz, out=ctx.grad(self.kernel))  # dL/dkernel = xᵀ dz
        np.sum(dz, axis=0, out=ctx.grad(self.bias))  # dL/dbias = Σ dz
        return dz @ self.kernel.value.T  # dL/dx = dz kernelᵀ


teach.gradcheck(MyDense(4, "tanh", name="mine"), x[:6])

# %% [markdown]
# The judge does not merely say "wrong": it tries what the usual mistakes would have given, and recognizes
# this one.
#
# *Exercise 2*: mend `MyDense`. For tanh, `dz = (1 − y²) dy`. When you have it, `compare` trains your layer
# and the real one side by side, from the same weights, and says when they part.

# %%
teach.compare(MyDense(4, "tanh", name="mine"), Dense(4, "tanh", name="theirs"), x[:20])

# %% [markdown]
# (Yours even seems to learn faster! A wrong gradient often does, for a while, and that is what makes such
# mistakes so hard to notice. It is headed for another place.)
#
# And this is the real one, straight from the source of minikeras. You can read it now: the last lines are
# yours. (What is new: `out=` writes into memory that is already there, which is faster, and the input may
# have more than two axes.)

# %%
print(inspect.getsource(Dense.backward))

# %% [markdown]
# ## One step in slow motion
#
# Now build the two layers the Keras way, and walk through a single step of training: each layer forward, the
# loss, each layer backward, each update of a knob. Squares are numbers (orange above 0, blue below, the
# stronger the larger); hold the mouse over one to read it. **Move the slider**, and follow `dz` on its way
# back.

# %%
hidden, answer = Dense(4, "tanh", name="hidden"), Dense(1, "sigmoid", name="answer")
model = mk.Sequential([Input((2,)), hidden, answer])
model.compile(mk.optimizers.SGD(1.0), "mse")
few = [0, 20, 40, 60]  # one sample of each corner
teach.Stepper(model, x[few], t[few])

# %% [markdown]
# The same as text, for one layer. `trace` keeps everything that happened in a pass, as arrays:

# %%
trace = teach.trace(model, x, t)
print("\n".join(trace["hidden"].lines()))
print("\ndL/dz of the first two samples:", trace["hidden"].dz[:2].round(4), sep="\n")

# %% [markdown]
# ## And does it solve the puzzle?

# %%
model.fit(x, t, batch_size=20, epochs=150, verbose=0)
right = np.mean((model.predict(x, verbose=0) > 0.5) == t)
print(f"right for {right:.0%} of the points")
teach.decision_boundary(model, x, t)

# %% [markdown]
# Four lines, bent and combined. Nobody told the hidden neurons what to look for: they only followed the
# blame.
#
# ## Remember
#
# - Backward is forward in reverse. At each layer: `dL/dy` comes in, `dL/dx` goes out, and the gradients of
#   the knobs stay.
# - For `y = x kernel + bias`: `dkernel = xᵀ dy`, `dbias = Σ dy`, `dx = dy kernelᵀ`.
#   **If in doubt, look at the shapes.**
# - Samples share the weights, so their gradients are **summed**. The `1/N` of a mean came with `dy` already.
# - An activation multiplies by its slope, number by number: `dz = f'(z) dy`.
#
# Next: [softmax and cross-entropy](04_softmax.ipynb), for answers with more than two choices.
#
# ## Solutions


# %% jupyter={"source_hidden": true}
def dense_backward(dy, x, kernel):
    return dy @ kernel.T, x.T @ dy, dy.sum(axis=0)


teach.check("dense_backward", dense_backward)


# %% jupyter={"source_hidden": true}
class MyDense(teach.OwnDense):
    def backward(self, dy, ctx):
        x, y = ctx.saved("x", "y")
        dz = (1 - y**2) * dy  # dL/dz = tanh'(z) dL/dy
        np.matmul(x.T, dz, out=ctx.grad(self.kernel))
        np.sum(dz, axis=0, out=ctx.grad(self.bias))
        return dz @ self.kernel.value.T


teach.compare(MyDense(4, "tanh", name="mine"), Dense(4, "tanh", name="theirs"), x[:20])
