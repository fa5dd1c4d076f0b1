# %% [markdown]
# # 4. Softmax and cross-entropy
#
# A digit is one of ten. A network that reads digits has ten numbers at its end, one score for each. Two
# questions: **how do ten scores become ten probabilities, and how wrong is a probability?** The answers are
# made for each other, and together they have the most beautiful gradient of the whole course.

# %%
import matplotlib.pyplot as plt
import numpy as np

import minikeras as mk
from minikeras import teach
from minikeras.datasets import digits

plt.rcParams["figure.dpi"] = 80
mk.utils.set_random_seed(4)

# %% [markdown]
# ## From scores to probabilities
#
# Probabilities are positive and sum to 1. `e^z` is positive for any score `z`; then divide by the sum:
#
#     yᵢ = e^zᵢ / Σⱼ e^zⱼ
#
# This is **softmax**, a soft version of "the largest one wins". *Guess first*: the scores are 2, 1 and 0.
# What happens if we double them all? And if we add 100 to each?


# %%
def softmax_of(z):
    e = np.exp(z)
    return e / e.sum()


scores = np.array([2.0, 1.0, 0.0])
cases = {
    "2, 1, 0": scores,
    "doubled": 2 * scores,
    "times ten": 10 * scores,
    "plus 100": scores + 100,
}
figure, axes = plt.subplots(1, 4, figsize=(8, 2.2), sharey=True, layout="constrained")
for axis, (title, z) in zip(axes, cases.items(), strict=True):
    axis.bar([0, 1, 2], softmax_of(z), color=["#3b76c4", "#d9722e", "#3f9a5b"])
    axis.set(title=title, xticks=[], ylim=(0, 1.05))
axes[0].set_ylabel("probability")
plt.show()

# %% [markdown]
# Larger scores make it surer. Adding the same to all changes nothing, because `e^(z + 100) = e^z e^100` and
# the factor cancels. Only *differences* of scores count. That is good to know, since `e^1000` is more than a
# computer can hold.
#
# ## Exercise 1: softmax for a whole batch, safe for large scores

# %%
teach.exercise("softmax")


# %%
def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


teach.check("softmax", softmax)

# %%
print(teach.exercise("softmax").hint(2))

# %% [markdown]
# ## How wrong is a probability?
#
# Suppose the true digit is a 3, and the network gave the 3 a probability of `p`. The **cross-entropy** is the
# surprise,
#
#     L = −log p
#
# If `p = 1` we are not surprised at all: the loss is 0. If `p = 0.5`, we are a little surprised. If the
# network was sure that it was *not* a 3, the surprise has no limit. Compare it with the squared error
# `(1 − p)²`, which never exceeds 1:

# %%
p = np.linspace(0.002, 1, 300)
figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(p, -np.log(p), color="#3b76c4", label="cross-entropy, −log p")
axis.plot(p, (1 - p) ** 2, color="#d9722e", label="squared error, (1 − p)²")
axis.set(xlabel="p, the probability that the true class was given", ylabel="loss")
axis.legend()
plt.show()

# %% [markdown]
# ## Exercise 2: cross-entropy
#
# Only the probability of the *true* class counts. And mind the mean: over the batch, and over nothing else.

# %%
teach.exercise("cross_entropy")


# %%
def cross_entropy(y_pred, labels):
    one_hot = np.eye(y_pred.shape[1])[labels]  # 1 at the true class, else 0: (batch, classes)
    return -np.mean(one_hot * np.log(y_pred))


teach.check("cross_entropy", cross_entropy)

# %%
print(teach.exercise("cross_entropy").hint(1))

# %% [markdown]
# ## Backwards
#
# Softmax is the first function that we meet in which *each* output depends on *all* inputs: if one score
# rises, its own probability grows, and all others shrink. So its slopes make a table, the **Jacobian**:
#
#     dyᵢ/dzⱼ = yᵢ (1 − yᵢ)  where i = j,      −yᵢ yⱼ  elsewhere

# %%
y = softmax_of(scores)
jacobian = np.diag(y) - np.outer(y, y)
print("y =", y.round(3))
print("dy/dz =", jacobian.round(3), sep="\n")
print("each row sums to 0:", np.allclose(jacobian.sum(axis=1), 0))

# %% [markdown]
# And cross-entropy, `L = −log y₃` say, has the slope `−1/y₃` for the true class, and 0 for the others.
# Multiply the two (chain rule!), and watch. `t` is 1 for the true class and 0 for the others:
#
#     dL/dzⱼ = −1/y₃ · dy₃/dzⱼ = −1/y₃ · y₃ (tⱼ − yⱼ) = yⱼ − tⱼ
#
# All the fractions cancel. What remains is
#
#     dz = y − t
#
# **what you said, minus what is true.** It can hardly be simpler. (For a batch, with its mean:
# `dz = (y − t) / N`.)

# %%
t = np.array([0.0, 0.0, 1.0])
dy = np.array([0.0, 0.0, -1 / y[2]])
print("the long way: ", (dy @ jacobian).round(4))
print("the short way:", (y - t).round(4))

# %% [markdown]
# ## Why not the squared error?
#
# Remember the neuron of lesson 2 that was sure and wrong, and did not learn? Let the true class get a score
# of `z`, and one other class 0. How strong is the push, `−dL/dz`, that a wrong score gets?

# %%
z = np.linspace(-8, 8, 200)
y = 1 / (1 + np.exp(-z))  # softmax of the two scores z and 0
figure, axis = plt.subplots(figsize=(6, 3))
axis.plot(z, 1 - y, color="#3b76c4", label="cross-entropy: 1 − y")
axis.plot(z, 4 * y * (1 - y) ** 2, color="#d9722e", label="squared error: 4 y (1 − y)²")
axis.set(xlabel="z, the score of the true class", ylabel="push upwards")
axis.annotate("sure, and wrong", (-7.5, 0.45), color="#555")
axis.annotate("sure, and right", (4.2, 0.45), color="#555")
axis.legend()
plt.show()

# %% [markdown]
# With the squared error, the push fades away exactly where it is needed most. With cross-entropy, it is full
# when the answer is wrong, and fades as the answer becomes right. That is why every classifier uses it.
#
# ## Exercise 3: both in one

# %%
teach.exercise("softmax_cross_entropy_backward")


# %%
def softmax_cross_entropy_backward(z, labels):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    t = np.eye(z.shape[1])[labels]
    return y - t


teach.check("softmax_cross_entropy_backward", softmax_cross_entropy_backward)

# %% [markdown]
# (You have met this mistake before. You will meet it again.)
#
# ## Real digits
#
# 1,437 handwritten digits of 8 × 8 pixels come with minikeras. A classifier with a single layer, all by hand:
# each line is something that you have derived.

# %%
(x_train, y_train), (x_test, y_test) = digits.load_data()
x, x_new = x_train.reshape(-1, 64) / 16, x_test.reshape(-1, 64) / 16

figure, axes = plt.subplots(1, 10, figsize=(8, 1), layout="constrained")
for k, axis in enumerate(axes):
    axis.imshow(x_train[np.argmax(y_train == k)], cmap="gray_r")
    axis.axis("off")
plt.show()

# %%
W, b, T = np.zeros((64, 10)), np.zeros(10), np.eye(10)[y_train]
for _ in range(300):
    z = x @ W + b  # (1437, 10)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    dz = (e / e.sum(axis=1, keepdims=True) - T) / len(x)  # (y − t) / N
    W -= 2.0 * (x.T @ dz)
    b -= 2.0 * dz.sum(axis=0)
print(f"right on new digits: {np.mean(np.argmax(x_new @ W + b, axis=1) == y_test):.1%}")

# %% [markdown]
# Not bad at all for ten lines. What has it learned? Put the numbers into a layer of minikeras and look at its
# **filters**: each class has 64 weights, one for each pixel, and they make an image of what speaks *for* the
# digit (orange) and *against* it (blue).

# %%
model = mk.Sequential([mk.layers.Input((64,)), mk.layers.Dense(10, "softmax", name="scores")])
model.set_weights([W, b])
teach.filters(model)

# %% [markdown]
# Look at the 0: it hates ink in the middle. (Why do the pixels at the left and right edges look so bland
# everywhere?)
#
# ## How minikeras does it
#
# Exactly so. When a model ends with softmax and its loss is the cross-entropy, the two are **paired**: the
# loss hands `(y − t) / N` straight to the last layer. The trace says so:

# %%
model.compile("sgd", "sparse_categorical_crossentropy")
trace = teach.trace(model, x[:32], y_train[:32])
print(trace)

# %% [markdown]
# ## Remember
#
# - **Softmax** turns scores into probabilities; only differences of scores count, so subtract the maximum
#   before `e^z`.
# - **Cross-entropy** is `−log` of the probability of the truth: the surprise.
# - Together: `dz = (y − t) / N`. What you said, minus what is true.
# - Two functions that are derived together may be simpler, and safer, than one after the other.
#
# Next: [a deep network, and what its gradients look like](05_digits.ipynb).
#
# ## Solutions


# %% jupyter={"source_hidden": true}
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))  # the largest exponent is 0
    return e / e.sum(axis=1, keepdims=True)


teach.check("softmax", softmax)


# %% jupyter={"source_hidden": true}
def cross_entropy(y_pred, labels):
    return -np.log(y_pred[np.arange(len(labels)), labels]).mean()


teach.check("cross_entropy", cross_entropy)


# %% jupyter={"source_hidden": true}
def softmax_cross_entropy_backward(z, labels):
    return (softmax(z) - np.eye(z.shape[1])[labels]) / len(z)


teach.check("softmax_cross_entropy_backward", softmax_cross_entropy_backward)
