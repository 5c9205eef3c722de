"""Pictures of entries of images."""

import matplotlib.image
import numpy as np
import pytest

import tfflows
from tests.zoo.conftest import digit_images
from zoo.plots import pictures
from zoo.plots.image_grid import image_grid, to_pixels
from zoo.plots.interpolations import pairs
from zoo.plots.nearest_neighbours import nearest
from zoo.plots.pictures import kinds

KINDS = ["samples", "interpolations", "nearest_neighbours", "pixel_values", "training"]


@pytest.mark.parametrize("kind", KINDS)
def test_training_leaves_every_picture_of_images(image_entries, kind):
    file = image_entries / "tiny_images" / f"{kind}.png"
    assert matplotlib.image.imread(file).std() > 0
    assert file.stat().st_size < 200_000


def test_kinds():
    assert kinds(digit_images(), tfflows.Glow()) == KINDS
    continuous = tfflows.Glow(alpha=None, dequantization=None)
    assert kinds(digit_images(), continuous) == [k for k in KINDS if k != "pixel_values"]
    assert kinds(digit_images(), tfflows.PixelCNNPlusPlus()) == [KINDS[i] for i in (0, 2, 4)]


def test_a_picture_that_fails_leaves_the_one_that_was_there(tmp_path, monkeypatch):
    def fail(log, output, data):
        output.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(pictures.plots, "learning_curve", fail)
    picture = tmp_path / "training.png"
    picture.write_bytes(b"whole")
    with pytest.raises(OSError, match="No space"):
        pictures.draw("training", None, None, tmp_path / "training.csv", picture)
    assert picture.read_bytes() == b"whole"


def test_to_pixels():
    x = [[-0.1, 0.0, 0.99, 1.0, 255.9, 256.0, 300.0]]
    np.testing.assert_array_equal(to_pixels(x), [[0, 0, 0, 1, 255, 255, 255]])


def test_image_grid():
    images = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1) * np.ones([1, 2, 2, 1], np.uint8)
    grid = image_grid(images, columns=2)[..., 0]
    rows = [[255] * 6, [255, 0, 0, 255, 1, 1], [255, 0, 0, 255, 1, 1]]
    rows += [[255] * 6, [255, 2, 2, 255, 255, 255], [255, 2, 2, 255, 255, 255]]
    np.testing.assert_array_equal(grid, rows)


def test_nearest():
    among = np.random.RandomState(0).randint(256, size=[50, 4, 4, 1]).astype(np.uint8)
    indices, distances = nearest(among[[7, 3]], among, 2)
    np.testing.assert_array_equal(indices[:, 0], [7, 3])
    np.testing.assert_array_equal(distances[:, 0], 0)
    difference = among[7].astype(float) - among[indices[0, 1]]
    assert distances[0, 1] == pytest.approx(np.linalg.norm(difference))
    others = np.linalg.norm((among[7].astype(float) - among).reshape(50, -1), axis=1)
    assert distances[0, 1] == pytest.approx(np.sort(others)[1])


@pytest.mark.parametrize("labels", [True, False])
def test_pairs_are_of_one_class_where_there_are_classes(labels):
    data = digit_images() if labels else digit_images().without_labels()
    first, second, label = pairs(data, seed=0)
    assert first.shape == second.shape == (6, 8, 8, 1)
    assert not np.any(np.all(first == second, axis=(1, 2, 3)))
    assert (label is not None) == labels
    if labels:
        images, classes = digit_images().arrays("test")
        for image, k in zip([*first, *second], [*label, *label]):
            (found, *_) = np.flatnonzero(np.all(images == image, axis=(1, 2, 3)))
            assert classes[found] == k
