# %% [markdown]
# # 8. Convolution and pooling, backwards
#
# The network of lesson 5 reads digits rather well. So let us move the digits one pixel to the side. *Guess
# first*: how much does that matter to it? To you, it makes no difference at all.

# %%
import matplotlib.pyplot as plt
import numpy as np

import minikeras as mk
from minikeras import teach
from minikeras.datasets import digits
from minikeras.layers import Conv2D, Dense, Flatten, GlobalMaxPooling2D, Input

plt.rcParams["figure.dpi"] = 80
mk.utils.set_random_seed(8)
(x_train, y_train), (x_test, y_test) = digits.load_data()


def on_paper(images):
    """The 8 x 8 digits in the middle of a sheet of 12 x 12, so that there is room to move them."""
    return np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None].astype("float32") / 16


def moved(images, columns):
    return np.roll(images, columns, axis=2)


x, x_new = on_paper(x_train), on_paper(x_test)  # (samples, 12, 12, 1)


def train(*layers):
    model = mk.Sequential([Input((12, 12, 1)), *layers, Dense(10, "softmax")], name="reader")
    adam = mk.optimizers.Adam(0.005)
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y_train, epochs=12, verbose=0)
    return model


def accuracy(model, columns):
    _, share = model.evaluate(moved(x_new, columns), y_test, verbose=0)
    return share


dense = train(Flatten(name="flat"), Dense(64, "relu", name="hidden"))
for columns in (0, 1, 2):
    print(f"moved by {columns} pixels: {accuracy(dense, columns):.0%} right")

# %% [markdown]
# It is a disaster. And no wonder: each pixel has weights of its own, so what was learned about one place is
# not known at the place next to it.
#
# ## One small window for all places
#
# The idea of **convolution**: look through a small window, 3 × 3 say, with *the same* weights wherever the
# window stands.
#
#     z[i, j] = Σ window(x at i, j) · kernel + bias
#
# Slide it over the image and write down what you find. Two kernels, drawn by hand:

# %%
# large where there is ink on the left and paper on the right
upright = np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
lying = upright.T


def slide(image, kernel):
    rows, columns = image.shape[0] - 2, image.shape[1] - 2
    z = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            z[i, j] = np.sum(image[i : i + 3, j : j + 3] * kernel)
    return z


image = x[np.argmax(y_train == 4), :, :, 0]
signed = {"cmap": "PuOr_r", "vmin": -5, "vmax": 5}
pictures = {
    "a digit": image,
    "upright edges": slide(image, upright),
    "lying edges": slide(image, lying),
}
figure, axes = plt.subplots(1, 3, figsize=(7, 2.4), layout="constrained")
for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
    axis.imshow(picture, **({"cmap": "gray_r"} if picture is image else signed))
    axis.set_title(title)
    axis.axis("off")
plt.show()

# %% [markdown]
# Such kernels find edges, wherever they are. But we shall not draw kernels by hand: they are weights, and the
# gradient will find them. A layer has several, each of which makes a picture of its own, a **feature map**:

# %%
narrow = Conv2D(8, 3, activation="relu", name="narrow")  # 8 kernels of 3 x 3
wide = Conv2D(16, 5, activation="relu", name="wide")  # 16 kernels of 5 x 5, over these 8 maps
model = train(narrow, wide, GlobalMaxPooling2D(name="strongest"))
teach.filters(model, "narrow")

# %%
teach.feature_maps(model, image, "narrow")

# %% [markdown]
# How one single number of such a map comes about:

# %%
teach.conv_step(model, image, "narrow", i=3, j=4, filter=0)

# %% [markdown]
# ## Backwards: blame the window
#
# Now the reverse. `dz[i, j]` arrives: how the loss changes if the number at place `(i, j)` does. Two things
# had an influence on it, and each is blamed as in any product:
#
#     dx[window at i, j]  +=  kernel · dz[i, j]
#     dkernel             +=  window(x at i, j) · dz[i, j]
#
# Note the `+=`. A pixel lies in up to nine windows, and hears from each. The kernel is used at *every* place,
# and hears from all. **What is used more than once gets the sum of the blame.** You know that from the
# samples of a batch.
#
# Look at it: a single `dz` of 1 stamps the kernel onto `dx`. Two stamps overlap, and add up.


# %%
def stamp(places, kernel=upright):
    dx = np.zeros((8, 8))
    for i, j in places:
        dx[i : i + 3, j : j + 3] += kernel
    return dx


everywhere = [(i, j) for i in range(6) for j in range(6)]
pictures = {
    "one dz": stamp([(1, 1)]),
    "two of them": stamp([(1, 1), (2, 2)]),
    "how often each\npixel is used": stamp(everywhere, np.ones((3, 3))),
}
figure, axes = plt.subplots(1, 3, figsize=(7, 2.7), layout="constrained")
for axis, (title, dx) in zip(axes, pictures.items(), strict=True):
    axis.imshow(dx, cmap="PuOr_r", vmin=-2 * np.abs(dx).max(), vmax=2 * np.abs(dx).max())
    for i, j in np.ndindex(dx.shape):
        axis.text(j, i, f"{dx[i, j]:g}", ha="center", va="center", fontsize=7)
    axis.set_title(title)
    axis.axis("off")
plt.show()

# %% [markdown]
# ## Exercise 1: convolution, backwards

# %%
teach.exercise("conv2d_backward")


# %%
def conv2d_backward(dy, x, kernel):
    kh, kw = kernel.shape[:2]
    dx, dkernel = np.zeros_like(x), np.zeros_like(kernel)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            d = dy[:, i, j]  # (batch, filters)
            window = x[:, i : i + kh, j : j + kw]  # (batch, kh, kw, channels)
            dx[:, i : i + kh, j : j + kw] = np.tensordot(d, kernel, ([1], [3]))
            dkernel = np.tensordot(window, d, ([0], [0]))
    return dx, dkernel


teach.check("conv2d_backward", conv2d_backward)

# %%
print(teach.exercise("conv2d_backward").hint(2))

# %% [markdown]
# ## Pooling: only the winner is blamed
#
# **Max pooling** keeps the largest number of each window (say, 2 × 2) and forgets where it was. It is a
# little blind on purpose: a feature may move by a pixel, and the answer stays the same. In our model it is
# the extreme of it, one window for the whole map: "was there such an edge *anywhere*?"
#
# Backwards: a small change of the winner changes the result as much; a change of the others changes nothing.
# So **the winner gets all of `dy`, the others get 0**. It is ReLU again: a switch that was set on the way
# forward.
#
# ## Exercise 2: max pooling, backwards
#
# This one is nearly right. What if two numbers in a window are equally large? (In images that happens all the
# time: think of white paper.)

# %%
teach.exercise("max_pool_backward")


# %%
def max_pool_backward(dy, x, size):
    dx = np.zeros_like(x)
    for n, i, j, c in np.ndindex(dy.shape):
        rows, columns = slice(i * size, (i + 1) * size), slice(j * size, (j + 1) * size)
        window = x[n, rows, columns, c]
        dx[n, rows, columns, c] = dy[n, i, j, c] * (window == window.max())
    return dx


teach.check("max_pool_backward", max_pool_backward)

# %%
print(teach.exercise("max_pool_backward").hint(2))

# %% [markdown]
# ## Move the digits again

# %%
columns = np.arange(-3, 4)
figure, axis = plt.subplots(figsize=(6, 3))
for network, name in ((dense, "dense"), (model, "convolution")):
    label = f"{name}, {network.count_params():,} weights"
    axis.plot(columns, [accuracy(network, c) for c in columns], "o-", label=label)
axis.set(xlabel="moved by so many pixels", ylabel="right on new digits", ylim=(0, 1))
axis.legend()
plt.show()

# %% [markdown]
# A third of the weights, better where the digits stand still, and far better where they move. Nobody showed
# it a moved digit. It is not perfect, as the slopes of the curve show: with its larger window it looks at the
# paper around the digit, too, and at the edge of the sheet that is cut off.
#
# And the gradients that made it possible are right, each of them:

# %%
teach.gradcheck(model, x[:3], y_train[:3], budget=20)

# %% [markdown]
# ## Remember
#
# - **Convolution**: one small kernel for all places. Few weights, and what is learned in one place is known
#   everywhere.
# - Backwards: each `dz` stamps the kernel onto `dx`, and its window onto `dkernel`. **Overlaps add up.**
# - **Max pooling** passes all of `dy` to the winner. Of a tie, only one wins.
#
# Next: [recurrence](09_recurrence.ipynb), where the same weights are shared not by all places, but by all
# times.
#
# ## Solutions


# %% jupyter={"source_hidden": true}
def conv2d_backward(dy, x, kernel):
    kh, kw = kernel.shape[:2]
    dx, dkernel = np.zeros_like(x), np.zeros_like(kernel)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            d = dy[:, i, j]
            window = x[:, i : i + kh, j : j + kw]
            dx[:, i : i + kh, j : j + kw] += np.tensordot(d, kernel, ([1], [3]))
            dkernel += np.tensordot(window, d, ([0], [0]))
    return dx, dkernel


teach.check("conv2d_backward", conv2d_backward)


# %% jupyter={"source_hidden": true}
def max_pool_backward(dy, x, size):
    dx = np.zeros_like(x)
    for n, i, j, c in np.ndindex(dy.shape):
        window = x[n, i * size : (i + 1) * size, j * size : (j + 1) * size, c]
        row, column = np.unravel_index(window.argmax(), window.shape)  # the first, if many
        dx[n, i * size + row, j * size + column, c] = dy[n, i, j, c]
    return dx


teach.check("max_pool_backward", max_pool_backward)
