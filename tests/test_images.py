"""Images: files, arrays, other sizes, folders of them. Pillow is replaced by a few lines of NumPy."""

import io
import sys
from pathlib import Path

import fake_pillow
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minikeras as mk
from minikeras import config, preprocessing, utils
from minikeras.errors import ShapeError
from minikeras.utils import resampling
from minikeras.utils.resampling import INTERPOLATIONS, resampling_matrix, smart_resize

GOLDEN = np.load(Path(__file__).parent / "golden" / "resampling.npz")
RGB = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype="uint8")


@pytest.fixture
def pillow(monkeypatch):
    fake_pillow.install(monkeypatch)


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        np.save(file, array)


# Another size


@pytest.mark.parametrize("name", [n for n in GOLDEN if n[-1].isdigit()])
def test_resized_like_keras(name):
    smart, (method, *size) = name.startswith("smart_"), name.removeprefix("smart_").split("_")
    x, size = GOLDEN["x"], tuple(map(int, size))
    if smart:
        y = smart_resize(x, size, method)
        np.testing.assert_array_equal(
            smart_resize(x.transpose(2, 0, 1)[None], size, method, "channels_first"),
            y.transpose(2, 0, 1)[None],
        )
    else:
        y = resampling.resize(x.transpose(2, 0, 1), size, method).transpose(1, 2, 0)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, GOLDEN[name], atol=2e-4)


@given(st.sampled_from(INTERPOLATIONS), st.integers(1, 12), st.integers(1, 12))
def test_the_weights_of_a_pixel_add_up_to_one(method, old, new):
    matrix = resampling_matrix(old, new, method)
    assert matrix.shape == (new, old)
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(matrix[::-1, ::-1] if method != "nearest" else matrix, matrix, atol=1e-6)
    if method not in ("gaussian", "mitchellcubic"):  # these two blur
        np.testing.assert_allclose(resampling_matrix(old, old, method), np.eye(old), atol=1e-6)


def test_the_area_method_takes_means():
    x = np.arange(24.0).reshape(4, 6)
    np.testing.assert_allclose(
        resampling.resize(x, (2, 3), "area"), x.reshape(2, 2, 3, 2).mean((1, 3)), rtol=1e-6
    )
    np.testing.assert_allclose(
        resampling_matrix(3, 2, "area"), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]], rtol=1e-6
    )


def test_the_blurring_kernels_at_a_pixel_s_distance():
    middle = resampling_matrix(5, 5, "mitchellcubic")[2]
    np.testing.assert_allclose(middle, [0, 1 / 18, 16 / 18, 1 / 18, 0], atol=1e-6)
    gaussian = resampling_matrix(5, 5, "gaussian")[2]
    np.testing.assert_allclose(gaussian[1] / gaussian[2], np.exp(-2), rtol=1e-6)
    assert gaussian[0] == 0


def test_a_padded_image_is_whole_and_in_the_middle():
    x = np.ones((1, 2, 4), "float32")
    y = resampling.resize_with_pad(x, (4, 4), "bilinear")
    np.testing.assert_array_equal(y[0], [[0] * 4, [1] * 4, [1] * 4, [0] * 4])
    assert resampling.resize_with_pad(x, (1, 8), "nearest").tolist() == [[[0, 0, 0, 1, 1, 0, 0, 0]]]


@pytest.mark.parametrize(
    ("x", "size", "method", "message"),
    [
        (np.ones((4, 4)), (2, 2), "bilinear", "smart_resize got no image"),
        (np.ones((0, 4, 1)), (2, 2), "bilinear", "smart_resize got no image"),
        (RGB, (2, 2, 2), "bilinear", "`size` must be"),
        (RGB, (0, 2), "bilinear", "`size` must be"),
        (RGB, (2, 2), "bilinar", "Did you mean 'bilinear'"),
    ],
)
def test_no_other_size(x, size, method, message):
    with pytest.raises(ValueError, match=message):
        smart_resize(x, size, method)


# Arrays and images


def test_an_image_as_an_array():
    x = utils.img_to_array(RGB)
    assert x.dtype == np.float32 and x.shape == (4, 6, 3)
    np.testing.assert_array_equal(utils.img_to_array(RGB, "channels_first", "int32"), RGB.transpose(2, 0, 1))
    assert utils.img_to_array(RGB[..., 0]).shape == (4, 6, 1)
    assert utils.img_to_array(RGB[..., 0], "channels_first").shape == (1, 4, 6)
    config.set_floatx("float64")
    assert utils.img_to_array(RGB).dtype == np.float64
    with pytest.raises(ShapeError, match="no image"):
        utils.img_to_array(RGB[None])


@pytest.mark.usefixtures("pillow")
def test_an_array_as_an_image():
    x = np.array([[[-1.0], [0.0], [3.0]]])
    image = utils.array_to_img(x)
    assert image.mode == "L" and np.asarray(image).tolist() == [[0, 63, 255]]
    assert x[0, 0, 0] == -1.0
    assert np.asarray(utils.array_to_img(x * 0)).tolist() == [[0, 0, 0]]
    for mode, array in (("RGB", RGB), ("RGBA", np.concatenate([RGB, RGB[..., :1]], -1)), ("L", RGB[..., :1])):
        image = utils.array_to_img(array, scale=False)
        assert image.mode == mode
        np.testing.assert_array_equal(utils.img_to_array(image), array)
        first = utils.array_to_img(array.transpose(2, 0, 1), "channels_first", scale=False)
        np.testing.assert_array_equal(np.asarray(first), np.asarray(image))
    scaled = [utils.array_to_img(np.array([[[0.0]], [[i / 7]]])) for i in range(1, 50)]
    assert all(image.mode == "L" and np.asarray(image).max() == 255 for image in scaled)
    wide = utils.array_to_img(RGB[..., :1] * 1000.0, scale=False)
    assert wide.mode == "I" and np.asarray(wide).max() > 255


@pytest.mark.parametrize(
    ("x", "scale", "message"),
    [
        (RGB[None], True, "give one image of a batch: x\\[0\\]"),
        (RGB[..., :2], True, "1, 3 or 4 channels"),
        (RGB[:0], True, "1, 3 or 4 channels"),
        (RGB * np.nan, False, "between 0 and 255"),
        (RGB * np.nan, True, "between 0 and 255"),
        (RGB * 10.0, False, "Likely fix: scale=True"),
        (RGB - 300.0, False, "between 0 and 255"),
        (RGB[..., :1] * 1e9, False, "between 0 and 255"),
    ],
)
def test_an_array_that_is_no_image(x, scale, message):
    with pytest.raises(ValueError, match=message):
        utils.array_to_img(x, scale=scale)


# Files


@pytest.mark.usefixtures("pillow")
def test_an_image_is_saved_and_loaded(tmp_path):
    path = tmp_path / "a.PNG"
    utils.save_img(path, RGB, scale=False)
    for source in (path, str(path), io.BytesIO(path.read_bytes())):
        np.testing.assert_array_equal(np.asarray(utils.load_img(source)), RGB)
    assert utils.load_img(path, "rgba").mode == "RGBA" and utils.load_img(path, "grayscale").mode == "L"
    stream = io.BytesIO()
    utils.save_img(stream, RGB.transpose(2, 0, 1), "channels_first", "JPG", scale=False)
    stream.seek(0)
    np.testing.assert_array_equal(np.asarray(utils.load_img(stream)), RGB)
    wide = tmp_path / "wide.png"
    write(wide, np.array([[1, 70000]], "int32"))
    assert utils.load_img(wide, "grayscale").mode == "I" and utils.load_img(wide).mode == "RGB"


@pytest.mark.usefixtures("pillow")
def test_an_image_is_loaded_in_another_size(tmp_path):
    path = tmp_path / "a.png"
    write(path, RGB)
    assert utils.load_img(path, target_size=(4, 6)).asked is None
    image = utils.load_img(path, target_size=(8, 2), interpolation="lanczos")
    assert image.size == (2, 8) and image.asked == (fake_pillow.Resampling.LANCZOS, None)
    square = utils.load_img(path, target_size=(2, 2), keep_aspect_ratio=True)
    assert square.asked == (fake_pillow.Resampling.NEAREST, (1, 0, 5, 4))
    assert np.asarray(square).shape == (2, 2, 3)


@pytest.mark.usefixtures("pillow")
def test_a_jpeg_loses_its_transparency(tmp_path):
    with pytest.warns(UserWarning, match="saved as RGB"):
        utils.save_img(tmp_path / "a.jpg", np.ones((2, 2, 4)), scale=False)
    assert utils.load_img(tmp_path / "a.jpg").mode == "RGB"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"path": 3}, TypeError, "path or an io.BytesIO"),
        ({"color_mode": "gray"}, ValueError, "`color_mode` must be one of"),
        ({"interpolation": "bilinar"}, ValueError, "Did you mean 'bilinear'"),
        ({"target_size": (2, 0)}, ValueError, "`target_size` must be"),
        ({"path": "/nowhere.png"}, FileNotFoundError, "nowhere"),
    ],
)
@pytest.mark.usefixtures("pillow")
def test_an_image_that_cannot_be_loaded(arguments, error, message):
    with pytest.raises(error, match=message):
        utils.load_img(**{"path": "a.png", **arguments})


def test_without_pillow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    for call in (lambda: utils.load_img("a.png"), lambda: utils.array_to_img(RGB)):
        with pytest.raises(ImportError, match=r'pip install "minikeras\[image\]"'):
            call()


# Folders


@pytest.fixture
def photos(tmp_path, pillow):
    for i in range(7):
        name = ("cats/a", "cats/deep/b", "dogs/c")[i % 3]
        write(tmp_path / f"{name}{i}.png", np.full((3 + i, 5, 3), 10 * i, "uint8"))
    write(tmp_path / "dogs" / "notes.txt", RGB)
    write(tmp_path / ".hidden" / "a.png", RGB)
    return tmp_path


def values(batches):
    """The number of each image, by its colour."""
    return [int(image.max()) // 10 for x, *_ in batches for image in x]


def test_a_folder_of_images(photos, capsys):
    data = utils.image_dataset_from_directory(photos, batch_size=3, image_size=(4, 6), shuffle=False)
    assert capsys.readouterr().out == "Found 7 files belonging to 2 classes.\n"
    assert data.class_names == ["cats", "dogs"] and len(data) == 3
    assert [Path(p).name for p in data.file_paths] == [
        "a0.png", "a3.png", "a6.png", "b1.png", "b4.png", "c2.png", "c5.png",
    ]  # fmt: skip
    assert values(data) == [0, 3, 6, 1, 4, 2, 5]
    x, y = next(iter(data))
    assert x.shape == (3, 4, 6, 3) and x.dtype == np.float32 and y.dtype == np.int32
    assert np.concatenate([y for _, y in data]).tolist() == [0] * 5 + [1] * 2


def test_nothing_is_read_before_its_turn(photos):
    data = utils.image_dataset_from_directory(photos, batch_size=3, shuffle=False, verbose=False)
    batches = iter(data)
    next(batches)
    (photos / "dogs" / "c5.png").unlink()
    next(batches)
    with pytest.raises(FileNotFoundError):
        next(batches)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("mode", "channels"), [("rgb", 3), ("rgba", 4), ("grayscale", 1)])
def test_the_channels_of_images(photos, mode, channels, data_format):
    data = utils.image_dataset_from_directory(
        photos, color_mode=mode, image_size=5, data_format=data_format, verbose=False
    )
    shape = (7, 5, 5, channels) if data_format == "channels_last" else (7, channels, 5, 5)
    assert next(iter(data))[0].shape == shape


def test_images_are_cropped_or_padded(photos):
    arguments = {"image_size": (9, 9), "interpolation": "Nearest", "shuffle": False, "verbose": False}
    image = np.zeros((9, 5, 3), "uint8")
    image[2:7] = 200
    write(photos / "cats" / "a6.png", image)
    make = utils.image_dataset_from_directory
    cropped = next(iter(make(photos, crop_to_aspect_ratio=True, **arguments)))[0][2]
    assert (cropped == 200).all()
    padded = next(iter(make(photos, pad_to_aspect_ratio=True, **arguments)))[0][2]
    np.testing.assert_array_equal(padded[:, 2:7], image)
    assert not padded[:, :2].any() and not padded[:, 7:].any()
    with pytest.raises(ValueError, match="only one of"):
        make(photos, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True)


def test_a_model_learns_from_a_folder(photos):
    train, valid = utils.image_dataset_from_directory(
        photos, label_mode="binary", image_size=4, batch_size=2, validation_split=0.3, subset="both", seed=1,
        verbose=False,
    )  # fmt: skip
    model = mk.Sequential(
        [mk.Input((4, 4, 3)), mk.layers.Flatten(), mk.layers.Dense(1, activation="sigmoid")]
    )
    model.compile("adam", "binary_crossentropy")
    history = model.fit(train, validation_data=valid, epochs=2, verbose=0).history
    assert np.isfinite(history["val_loss"]).all()
    pictures = utils.image_dataset_from_directory(photos, labels=None, image_size=4, verbose=False)
    assert model.predict(pictures, verbose=0).shape == (8, 1)  # without classes, all that lies below


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"color_mode": "gray"}, "`color_mode`"),
        ({"interpolation": "cubic"}, "Did you mean"),
        ({"image_size": (3, 3, 3)}, "`image_size`"),
        ({"image_size": "big"}, "`image_size`"),
        ({"data_format": "last"}, "`data_format`"),
    ],
)
def test_a_folder_of_images_refuses(photos, arguments, message):
    with pytest.raises(ValueError, match=message):
        utils.image_dataset_from_directory(photos, **arguments)


def test_the_public_modules_are_keras_own():
    assert mk.preprocessing is preprocessing
    assert preprocessing.image.load_img is utils.load_img
    assert preprocessing.image.smart_resize is smart_resize
    assert preprocessing.sequence.pad_sequences is utils.pad_sequences
    assert preprocessing.timeseries_dataset_from_array is utils.timeseries_dataset_from_array
