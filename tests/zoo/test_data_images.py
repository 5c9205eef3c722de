"""The image sets of TensorFlow Datasets: on a tiny set of the same format, and on the real ones."""

import shutil

import numpy as np
import pytest

from tests.zoo.conftest import real_images
from zoo import data
from zoo.data.images import SHAPES


def _images(n: int) -> dict[str, np.ndarray]:
    random = np.random.RandomState(n)
    image = random.randint(256, size=[n, 28, 28, 1]).astype(np.uint8)
    return {"image": image, "label": np.arange(n) % 10}


@pytest.fixture(scope="module")
def tiny_mnist(tmp_path_factory):
    """A directory in which tfds finds an mnist of 20 training and 5 test images."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    directory = tmp_path_factory.mktemp("tfds")
    builder = tfds.builder("mnist", data_dir=directory)
    tfds.dataset_builders.store_as_tfds_dataset(
        name="mnist",
        version=str(builder.version),
        data_dir=directory,
        features=builder.info.features,
        split_datasets={
            "train": tf.data.Dataset.from_tensor_slices(_images(20)),
            "test": tf.data.Dataset.from_tensor_slices(_images(5)),
        },
        disable_shuffling=True,
    )
    return directory


def test_splits_of_a_tiny_set(tiny_mnist):
    mnist = data.load("mnist", data_dir=tiny_mnist)
    train, validation, test = (mnist.arrays(split) for split in data.SPLITS)
    for (x, labels), expected in [
        (train, {k: v[:18] for k, v in _images(20).items()}),
        (validation, {k: v[18:] for k, v in _images(20).items()}),
        (test, _images(5)),
    ]:
        assert (x.dtype, labels.dtype) == (np.uint8, np.int32)
        np.testing.assert_array_equal(x, expected["image"])
        np.testing.assert_array_equal(labels, expected["label"])


def test_directory_from_the_environment(tiny_mnist, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tiny_mnist))
    assert data.load("mnist").size("train") == 18


def test_batches_leave_images_as_they_are(tiny_mnist):
    mnist = data.load("mnist", data_dir=tiny_mnist)
    (x, labels), *_ = data.batches(mnist, "test", batch_size=5)
    np.testing.assert_array_equal(x, mnist.arrays("test")[0])
    assert x.dtype == np.uint8 and labels.shape == (5,)


@pytest.mark.parametrize("name", SHAPES)
def test_a_set_that_is_not_prepared(name, tmp_path):
    data_set = data.load(name, data_dir=tmp_path)
    with pytest.raises(FileNotFoundError) as error:
        data_set.arrays("test")
    message = str(error.value)
    for part in (name, str(tmp_path), "data_dir", "TFDS_DATA_DIR", "download=True"):
        assert part in message


@pytest.mark.parametrize(
    ("name", "sizes", "mean"),
    [
        ("mnist", (54_000, 6_000, 10_000), 0.132515),
        ("fashion_mnist", (54_000, 6_000, 10_000), 0.286849),
        ("cifar10", (45_000, 5_000, 10_000), 0.476585),
    ],
)
def test_real_sets(name, sizes, mean):
    """Sizes, and the mean of pixel / 255 over the test images."""
    data_set = real_images(name)
    x, labels = data_set.arrays("test")
    assert x.shape == (sizes[2], *SHAPES[name]) and labels.max() == data_set.num_classes - 1
    assert x.mean() / 255 == pytest.approx(mean, abs=1e-6)
    assert [data_set.size(split) for split in ("train", "validation")] == list(sizes[:2])


@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_damaged_files_are_named_with_the_cure(damage, tiny_mnist, tmp_path):
    directory = shutil.copytree(tiny_mnist, tmp_path / "tfds")
    (file,) = directory.rglob("*test.tfrecord*")
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(OSError, match="mnist cannot be read from .*prepare it again"):
        data.load("mnist", data_dir=directory).arrays("test")
