# %% [markdown]
# # 10. Your own layer, and the proof that it is right
#
# For the last lesson, invent something. Perhaps nobody has built it before, so there is no answer to look up.
# The question: **how do you know that your gradient is right, if nobody can tell you?**

# %%
import matplotlib.pyplot as plt
import numpy as np

import minikeras as mk
from minikeras import teach
from minikeras.datasets import digits
from minikeras.layers import Dense, Input, Layer

plt.rcParams["figure.dpi"] = 80
mk.utils.set_random_seed(10)
(x_train, y_train), (x_test, y_test) = digits.load_data()
x, x_new = x_train.reshape(-1, 64) / 16, x_test.reshape(-1, 64) / 16

# %% [markdown]
# ## The invention: a ReLU that chooses its own shape
#
# ReLU has a hard corner. Here is a soft one, with a knob `β` for each unit that says *how* soft:
#
#     y = x σ(β x)            σ is the sigmoid of lesson 2

# %%
xs = np.linspace(-5, 5, 200)
figure, axis = plt.subplots(figsize=(6, 3))
for beta in (0.0, 0.5, 1.0, 3.0, 20.0):
    axis.plot(xs, xs / (1 + np.exp(-beta * xs)), label=f"β = {beta:g}")
axis.set(xlabel="x", ylabel="y", title="from a straight line to ReLU")
axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# ## Forward
#
# A layer of minikeras is a class with three methods. `build` makes the knobs, once the shape of the input is
# known. `forward` computes `y`, and gives what it will need on the way back to `ctx.save`.


# %%
class SoftRelu(Layer):
    """y = x σ(β x), with one β for each feature."""

    def build(self, input_shape):
        self.beta = self.add_weight((input_shape[-1],), "ones", name="beta")

    def forward(self, x, ctx):
        s = 1 / (1 + np.exp(-self.beta.value * x))  # σ(β x)
        ctx.save(x=x, s=s)
        return x * s


# %% [markdown]
# ## Backward, on paper first
#
# `x` appears twice in `x σ(β x)`, so its blame comes along two roads, and adds up (the product rule). With
# `s = σ(β x)` and `σ' = s (1 − s)`:
#
#     dy/dx = s + x · β s (1 − s)
#     dy/dβ = x · x s (1 − s)
#
# and each is multiplied by the `dy` that arrives. One β serves all samples of a batch, so its gradient is
# summed over them.
#
# Here is my first attempt. I am fairly sure that it is right.


# %%
class FirstAttempt(SoftRelu):
    def backward(self, dy, ctx):
        x, s = ctx.saved("x", "s")
        slope = s + x * self.beta.value * s * (1 - s)  # dy/dx
        np.mean(dy * x * x * s * (1 - s), axis=0, out=ctx.grad(self.beta))  # dL/dβ
        return dy * slope  # dL/dx


# %% [markdown]
# Does it work? Build a network with it, and see whether it learns.


# %%
def network(own):
    mk.utils.set_random_seed(10)
    hidden, scores = Dense(32, name="hidden"), Dense(10, "softmax", name="scores")
    model = mk.Sequential([Input((64,)), hidden, own, scores], name="digits")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y_train, epochs=15, verbose=0)
    print(f"right on new digits: {model.evaluate(x_new, y_test, verbose=0)[1]:.1%}")
    return model


_ = network(FirstAttempt(name="soft"))

# %% [markdown]
# Splendid! It learns, the accuracy is fine, publish it. **Or is it?** Ask the judge.

# %%
some = np.random.default_rng(0).normal(size=(8, 3))
teach.gradcheck(FirstAttempt(name="soft"), some)

# %% [markdown]
# The gradient of β was 8 times too small, for a batch of 8; and for a batch of 32, it would be 32 times too
# small. The network learned in spite of it, because all the *other* gradients were right.
#
# That is the lesson of this lesson, and perhaps of the course: **that it learns proves nothing.** Networks
# are very good at making up for your mistakes. They may work a little worse, or learn a little later, and
# nobody ever finds out why. Two forward passes for a number, as in lesson 1, find out in a second.
#
# ## Exercise 1: mend it
#
# Change one word in `FirstAttempt`, run the cell again, and then this one:

# %%
report = teach.gradcheck(FirstAttempt(name="soft"), some)
print("all right" if report.ok else f"not yet: {report['beta'].hint}")

# %% [markdown]
# ## The laws of a layer
#
# Some mistakes are not in the formula at all. Here is somebody who wanted to save memory, and works in place:


# %%
class InPlace(SoftRelu):
    def backward(self, dy, ctx):
        x, s = ctx.saved("x", "s")
        np.sum(dy * x * x * s * (1 - s), axis=0, out=ctx.grad(self.beta))
        dy *= s + x * self.beta.value * s * (1 - s)
        return dy


teach.gradcheck(InPlace(name="soft"), some)

# %% [markdown]
# All numbers are right, and yet it is wrong: `dy` belongs to somebody else, who may still need it. The laws
# are few:
#
# - `forward` and `backward` never write into `x`, `dy` or the layer itself.
# - `backward` *sets* each gradient, `out=ctx.grad(variable)`, and returns `dL/dx`.
# - What `backward` needs goes through `ctx.save`, not into `self`: two threads may use the layer at once.
#
# ## Right, and in use
#
# The right one, registered, so that a saved model can find it again:


# %%
@mk.saving.register_keras_serializable(package="course")
class Soft(SoftRelu):
    def backward(self, dy, ctx):
        x, s = ctx.saved("x", "s")
        np.sum(dy * x * x * s * (1 - s), axis=0, out=ctx.grad(self.beta))  # dL/dβ = Σ dy x² σ'
        return dy * (s + x * self.beta.value * s * (1 - s))  # dL/dx


model = network(Soft(name="soft"))
teach.gradcheck(model, x[:8], y_train[:8])

# %% [markdown]
# The whole model is right: pixels, kernels, biases, and your β between them. And the accuracy? Compare it
# with that of the first attempt: it could never have told you.
#
# What did the units choose?

# %%
beta = model.get_layer("soft").beta.numpy()
print(f"β began at 1; now it lies between {beta.min():.2f} and {beta.max():.2f}")

# %% [markdown]
# And a test, for the day when somebody changes the layer. With `raise_on_failure` a wrong gradient is an
# error:


# %%
def test_soft():
    for shape in ((1, 3), (8, 3), (5, 1)):
        x = np.random.default_rng(0).normal(size=shape)
        teach.gradcheck(Soft(), x, raise_on_failure=True)


test_soft()
print("passed")

# %% [markdown]
# ## Exercise 2: the last and hardest
#
# Batch normalization makes each feature of a batch have mean 0 and variance 1. What makes it hard: **mean and
# variance depend on `x`, too.** Three roads lead from `x` to `y`, and people forget two of them.

# %%
teach.exercise("batch_normalization_backward")


# %%
def batch_normalization_backward(dy, x, gamma, epsilon):
    inverse = 1 / np.sqrt(x.var(axis=0) + epsilon)
    x_hat = (x - x.mean(axis=0)) * inverse
    dx = dy * gamma * inverse
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


teach.check("batch_normalization_backward", batch_normalization_backward)

# %%
print(teach.exercise("batch_normalization_backward").hint(2))

# %% [markdown]
# ## Remember
#
# - **That it learns proves nothing.** Check the gradient; it takes one line.
# - What appears twice gets blame along both roads; what serves many samples, places or steps gets the
#   **sum**.
# - Keep the laws: write into nothing that is not yours, *set* gradients, remember through `ctx`.
#
# ## Where to go from here
#
# You have written the backward pass of everything that a network is made of. You can now read the source of
# every layer in minikeras; it is written for that. A few suggestions:
#
# - The exercises that the course has left out: `print(teach.exercises())`.
# - `minikeras/layers/lstm.py`: the gates of lesson 9, forwards and backwards.
# - Your own data: `teach.decision_boundary`, `teach.Monitor` and `teach.loss_landscape` work with any model.
# - Your own loss or activation: `teach.gradcheck` judges these as well.
#
# You wiggled a knob in lesson 1, and it is still the same knob. Congratulations.
#
# ## Solutions
#
# *Exercise 1*: `np.sum` instead of `np.mean`, as in `Soft`.


# %% jupyter={"source_hidden": true}
def batch_normalization_backward(dy, x, gamma, epsilon):
    inverse = 1 / np.sqrt(x.var(axis=0) + epsilon)
    x_hat = (x - x.mean(axis=0)) * inverse
    d = dy * gamma  # dL/dx_hat
    dx = (d - d.mean(axis=0) - x_hat * (d * x_hat).mean(axis=0)) * inverse
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


teach.check("batch_normalization_backward", batch_normalization_backward)
