"""Every set that needs no file of the user, by name."""

import pathlib
import re

import numpy as np
import pytest

from zoo import data

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "data.md"

# name: event shape, number of classes, sizes of train, validation and test
SETS = {
    "parkinsons": ((15,), None, (4760, 528, 587)),
    "power_plant": ((5,), None, (7751, 861, 956)),
    "protein": ((8,), None, (37042, 4115, 4573)),
    "winequality_white": ((11,), None, (3969, 440, 489)),
    "moons": ((2,), None, (50_000, 5_000, 10_000)),
    "eight_gaussians": ((2,), None, (50_000, 5_000, 10_000)),
    "checkerboard": ((2,), None, (50_000, 5_000, 10_000)),
    "pinwheel": ((2,), None, (50_000, 5_000, 10_000)),
    "two_spirals": ((2,), None, (50_000, 5_000, 10_000)),
    "digits": ((64,), 10, (1297, 200, 300)),
}
FROM_ELSEWHERE = {
    *("mnist", "fashion_mnist", "cifar10"),
    *("power", "gas", "hepmass", "miniboone", "bsds300"),
}


def test_names_are_all_known_ones():
    assert data.names() == sorted({*SETS, *FROM_ELSEWHERE})


def test_the_page_tells_of_all_and_its_code_runs():
    text, found = DOCS.read_text(), {}
    first_columns = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    assert {name for each in first_columns for name in re.findall(r"`(\w+)`", each)} == {
        *SETS,
        *FROM_ELSEWHERE,
    }
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(block, found)
    assert found["x"].shape == (7751, 5) and found["labels"] is None
    assert next(iter(found["batches"])).shape == (100, 5)


@pytest.mark.parametrize("name", data.names())
def test_loading_reads_no_examples_and_describes_the_set(name, monkeypatch):
    monkeypatch.setattr(data.DataSet, "arrays", lambda *_: pytest.fail("read"))
    data_set = data.load(name)
    assert data_set.name == name
    assert data_set.description and data_set.source and data_set.licence


@pytest.mark.parametrize("name", SETS)
def test_shapes_sizes_and_types(name):
    event_shape, num_classes, sizes = SETS[name]
    data_set = data.load(name)
    assert (data_set.event_shape, data_set.num_classes) == (event_shape, num_classes)
    for split, size in zip(data.SPLITS, sizes, strict=True):
        x, labels = data_set.arrays(split)
        assert x.shape == (size, *event_shape) and x.dtype == np.float32
        assert data_set.size(split) == size
        assert (labels is None) == (num_classes is None)
        if num_classes:
            assert labels.dtype == np.int32 and set(labels) == set(range(num_classes))


@pytest.mark.parametrize("name", SETS)
def test_tf_data_gives_the_arrays_in_order(name):
    data_set = data.load(name)
    x, labels = data_set.arrays("test")
    for i, element in enumerate(data_set.tf_data("test").take(3)):
        row, *label = element if isinstance(element, tuple) else (element,)
        np.testing.assert_array_equal(row, x[i])
        assert not label if labels is None else label[0] == labels[i]


@pytest.mark.parametrize("name", SETS)
def test_two_loads_agree(name):
    first, second = (data.load(name).arrays("validation")[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_arrays_are_read_once_and_cannot_be_altered():
    data_set = data.load("moons")
    x, _ = data_set.arrays("train")
    assert data_set.arrays("train")[0] is x
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 0


def test_without_labels():
    digits = data.load("digits")
    plain = digits.without_labels()
    x, labels = plain.arrays("test")
    assert labels is None and plain.num_classes is None
    assert plain.tf_data("test").element_spec.shape == (64,)
    np.testing.assert_array_equal(x, digits.arrays("test")[0])
    assert digits.num_classes == 10


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda: data.load("mnits"), r"data set 'mnits'.*Did you mean 'mnist'.*two_spirals"),
        (lambda: data.load("qqq"), r"data set 'qqq'\. Known: bsds300"),
        (lambda: data.load("moons", seed=1), r"option of moons 'seed'\. Known: none"),
        (lambda: data.load("gas", directry="."), r"'directry'.*'directory'.*allow_pickle"),
        (lambda: data.load("moons").arrays("tset"), r"split of moons 'tset'.*'test'.*validation"),
        (lambda: data.load("moons").tf_data("all"), r"'all'.*Known: train, validation, test"),
    ],
)
def test_an_unknown_name_is_named_with_the_known_ones(act, says):
    with pytest.raises(ValueError, match=says):
        act()


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (np.zeros([3, 4]), r"broken, split 'test': expected shape \[n >= 1, 2\], got \[3, 4\]"),
        (np.zeros([0, 2]), r"got \[0, 2\]"),
        (np.array([[0.0, np.nan]]), "NaN or infinite"),
        (np.array([[np.inf, 0.0]]), "NaN or infinite"),
    ],
)
def test_bad_data_is_refused(x, says):
    broken = data.DataSet("broken", (2,), "", "", "", read=lambda split: (x, None))
    with pytest.raises(ValueError, match=says):
        broken.arrays("test")
