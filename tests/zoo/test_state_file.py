"""The state of training on a disk that cannot be trusted."""

import numpy as np
import pytest

from tests.damage import PLACES, damaged
from zoo.state_file import previous, read_state, write_state

STATE = {"recipe": "text", "log": [[1.0, 2.0]], "variable_0": np.arange(50.0), "best": np.ones([3])}


def test_damage_at_random_places_is_refused(tmp_path):
    file = tmp_path / "state.npz"
    write_state(file, STATE)
    content, refused = file.read_bytes(), 0
    for kind, place, spoilt in damaged(content, 0):
        file.write_bytes(spoilt)
        with pytest.raises(ValueError, match="use --fresh|start afresh") as error:
            read_state(file)
        assert str(file) in str(error.value), (kind, place)
        refused += 1
    print(f"{refused} of {2 * PLACES} damages refused")
    file.write_bytes(content)
    assert read_state(file).keys() == STATE.keys()


def test_a_state_without_a_digest_is_read(tmp_path):
    np.savez(tmp_path / "state.npz", **STATE)
    np.testing.assert_array_equal(read_state(tmp_path / "state.npz")["best"], STATE["best"])


def test_the_state_before_is_kept_and_the_error_says_so(tmp_path):
    file = tmp_path / "state.npz"
    for epoch in range(3):
        write_state(file, {"epoch": epoch})
    assert (read_state(file)["epoch"], read_state(previous(file))["epoch"]) == (2, 1)
    file.write_bytes(b"")
    with pytest.raises(ValueError, match="Move .*state.previous.npz there"):
        read_state(file)
