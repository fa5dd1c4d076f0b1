# %% [markdown]
# # 5. Real digits, and what gradients look like
#
# You have all the pieces: layers, activations, softmax and its loss. Now we put them together, let minikeras
# do the work, and look inside while it learns. The question:
# **is everything all right in there, and how would we know?**

# %%
import matplotlib.pyplot as plt
import numpy as np

import minikeras as mk
from minikeras import teach
from minikeras.datasets import digits
from minikeras.layers import Dense, Input

plt.rcParams["figure.dpi"] = 80
mk.utils.set_random_seed(5)
(x_train, y_train), (x_test, y_test) = digits.load_data()
x, x_new = x_train.reshape(-1, 64) / 16, x_test.reshape(-1, 64) / 16

# %% [markdown]
# ## Build it, train it
#
# Two hidden layers with ReLU, and ten scores. In a notebook a model shows itself:

# %%
model = mk.Sequential(
    [
        Input((64,)),
        Dense(64, activation="relu", name="first"),
        Dense(32, activation="relu", name="second"),
        Dense(10, activation="softmax", name="scores"),
    ],
    name="digits",
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model

# %%
history = model.fit(x, y_train, epochs=20, validation_data=(x_new, y_test), verbose=0)
teach.plot_history(history)

# %% [markdown]
# "Validation" are the 360 digits that it did not learn from. They are harder than they should be: other
# people wrote them. Which digits does it take for which, and which of its mistakes is it surest of?

# %%
teach.confusion(model, x_new, y_test, worst=4, image_shape=(8, 8))

# %% [markdown]
# Be honest: would you have read these four? Always look at the worst mistakes. Either a label is wrong, or
# they tell you what the network has not understood.
#
# ## The whole pass on one page
#
# `trace` runs one training step on a copy and keeps everything. Here is its table; write `trace` alone on the
# last line of a cell to see the equations of each layer, with the shapes that they have *here*, and all
# numbers in colour.

# %%
trace = teach.trace(model, x[:8], y_train[:8])
print(trace.table())

# %% [markdown]
# Read it from below: each layer has gradients for its kernel and bias, and hands `dx` on to the layer before
# it, where it is called `dy`. (Find the pairs of equal numbers!) Some outputs of the hidden layers are
# exactly **zero**: that is ReLU. The last layer says "paired": its `dz` came from the loss directly, as in
# lesson 4.
#
# ## Gradients go all the way to the pixels
#
# Usually nobody needs `dL/dx` of the first layer, since we cannot change the data. But it is there, and it
# answers a nice question: *which pixels should change to make the network say something else?* Take a 3 and
# claim that it is an 8. Against the gradient lies what would make it more of an 8 (orange: more ink, purple:
# less).

# %%
three = x[np.flatnonzero(y_train == 3)[:1]]  # (1, 64)
wish = np.array([8])


def wanted(image):
    return -teach.trace(model, image, wish, training=False)["first"].dx  # −dL/dx


image, stages = three.copy(), []
for step in range(17):
    if step % 4 == 0:
        stages.append((image.copy(), model.predict(image, verbose=0)[0]))
    push = wanted(image)
    image = np.clip(image + 0.03 * push / np.abs(push).max(), 0, 1)

figure, axes = plt.subplots(1, 6, figsize=(8.5, 2), layout="constrained")
limit = np.abs(wanted(three)).max()
axes[0].imshow(wanted(three).reshape(8, 8), cmap="PuOr_r", vmin=-limit, vmax=limit)
axes[0].set_title("−dL/dx", fontsize=10)
for axis, (picture, shares) in zip(axes[1:], stages, strict=True):
    axis.imshow(picture.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
    axis.set_title(f"{shares.argmax()}, {shares.max():.0%} sure", fontsize=10)
for axis in axes:
    axis.axis("off")
plt.show()

# %% [markdown]
# A few touches of grey, and the network is sure to see an 8 where you still see the 3. The same machinery
# that trains a network can be used to fool it. (Such images are called *adversarial examples*, and the
# largest networks have them too.) *Try it*: take ten times as many steps, and a real 8 comes out.
#
# ## Exercise: backwards through ReLU
#
# `y = max(z, 0)`. Where `z` is positive, `y` moves with it; elsewhere nothing moves.

# %%
teach.exercise("relu_backward")


# %%
def relu_backward(dy, z):
    return dy * (dy > 0)


teach.check("relu_backward", relu_backward)

# %%
print(teach.exercise("relu_backward").hint(1))

# %% [markdown]
# ## When gradients vanish
#
# Why ReLU, and not the sigmoid of lesson 2? Let us stack six hidden layers, once with each, and look at the
# gradients before any training. *Guess first*: the slope of the sigmoid is at most ¼. What does a chain of
# six such factors do?


# %%
def deep(activation, initializer):
    hidden = [
        Dense(32, activation, kernel_initializer=initializer, name=f"hidden{i}")
        for i in range(1, 7)
    ]
    model = mk.Sequential([Input((64,)), *hidden, Dense(10, "softmax", name="scores")])
    sgd = mk.optimizers.SGD(0.1)
    model.compile(sgd, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


with_sigmoid = deep("sigmoid", "glorot_uniform")
with_relu = deep("relu", "he_normal")
teach.gradient_flow(teach.trace(with_sigmoid, x[:256], y_train[:256]))

# %%
teach.gradient_flow(teach.trace(with_relu, x[:256], y_train[:256]))

# %% [markdown]
# Mind the scale on the left: it is logarithmic. With sigmoids, each layer passes on about a quarter of what
# it gets, and the first layer hears less than a thousandth of the news. With ReLU (and weights drawn as large
# as they should be, which is what `he_normal` does), every layer hears the same.
#
# Does it matter? A `Monitor` watches the training, and says in words what looks wrong. First the sigmoids:


# %%
def watch(network, epochs=6):
    monitor = teach.Monitor(x[:256], y_train[:256])
    history = network.fit(x, y_train, epochs=epochs, callbacks=[monitor], verbose=0)
    print(f"after {epochs} epochs it has {history.history['accuracy'][-1]:.0%} right")
    return monitor


watch(with_sigmoid)

# %%
print(watch(with_relu).diagnose())

# %% [markdown]
# The deep sigmoid network has learned nothing at all: it is as good as rolling dice. "Raise the learning
# rate", says the monitor of its first layers. Look at the second picture, and you see why that is no cure:
# the step that would suit the first layer is a thousand times too large for the last.
#
# ## When units die
#
# ReLU has an illness of its own. If a step is too large, a unit's `z` may become negative for *every* sample.
# Then its slope is 0 for all of them, no gradient ever reaches it again, and it stays so: it is **dead**.

# %%
mk.utils.set_random_seed(7)
hasty = mk.models.clone_model(model)
hasty.compile(mk.optimizers.SGD(1.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
watch(hasty, epochs=8)

# %% [markdown]
# Follow the curves of dead units. (Some come back: the monitor watches 256 samples only, and another one may
# have woken them; and a unit of the second layer moves when the first does.) Most never do. What remains is a
# fraction of the network.
#
# ## When all begin alike
#
# And one last illness. Why do we start from random weights, why not from 0? Ask the trace:

# %%
model.set_weights([np.zeros_like(w) for w in model.get_weights()])
for one in teach.trace(model, x[:256], y_train[:256]).layers:
    sizes = {name: float(np.abs(g).max()) for name, g in one.gradients.items()}
    print(
        f"{one.name:8} largest |gradient|: kernel {sizes['kernel']:.4f}, bias {sizes['bias']:.4f}"
    )

# %% [markdown]
# Only the last bias gets anything. All units of a layer are the same, nobody is listened to, so nobody is
# blamed, so nobody changes. Random weights break the tie.
#
# ## Remember
#
# - **Look**: at the curves, at the worst mistakes, at the size of the gradients in each layer.
# - Gradients are products of slopes. Slopes below 1 make them **vanish** with depth; sigmoids do, ReLU does
#   not.
# - ReLU: `dz = dy where z > 0`. A unit with `z ≤ 0` for all samples is **dead**.
# - Start from random weights of the right size.
#
# Next: [optimizers and learning rates](06_optimizers.ipynb), or how long a step should be.
#
# ## Solution


# %% jupyter={"source_hidden": true}
def relu_backward(dy, z):
    return dy * (z > 0)


teach.check("relu_backward", relu_backward)
