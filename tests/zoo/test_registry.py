import numpy as np
import pytest
import tensorflow as tf

import tfflows
import zoo
from zoo import registry


def test_load_and_card(tiny_zoo):
    assert zoo.names() == ["tiny"]
    model = zoo.load("tiny")
    x = np.zeros([4, 5], np.float32)
    np.testing.assert_allclose(model.log_prob(x), tfflows.load(tiny_zoo / "tiny/1").log_prob(x))
    assert zoo.card("tiny").startswith("# tiny\n")


def test_the_three_ways_to_load_agree(tiny_zoo):
    x = np.random.RandomState(0).randn(6, 5).astype(np.float32)
    signature = tf.saved_model.load(str(tiny_zoo / "tiny/1")).signatures["log_prob"]
    (output,) = signature(**{_input(signature): tf.constant(x)}).values()
    np.testing.assert_allclose(output, zoo.load("tiny").log_prob(x), rtol=1e-5)


def test_unknown_name_gives_close_matches(tiny_zoo):
    for function in (zoo.load, zoo.card, registry.metadata):
        with pytest.raises(ValueError, match="Unknown entry 'tinny'. Did you mean 'tiny'"):
            function("tinny")


def test_the_latest_version_is_taken_by_number(tmp_path, monkeypatch):
    for version in ("1", "9", "10", ".tmp", "training"):
        (tmp_path / "entry" / version).mkdir(parents=True)
    (tmp_path / "nothing").mkdir()
    monkeypatch.setattr(registry, "PLACES", (tmp_path / "absent", tmp_path))
    assert registry.names() == ["entry"]
    assert registry.path("entry").name == "10"


def test_no_entries_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "PLACES", (tmp_path / "absent",))
    assert registry.names() == []
    with pytest.raises(ValueError, match="Known: none"):
        registry.load("tiny")


def _input(signature):
    (name,) = signature.structured_input_signature[1]
    return name
