"""An artifact that a disk has spoilt, or could not take."""

import os
import pathlib
import tempfile

import numpy as np
import pytest

import tfflows
from tests.damage import PLACES, damaged
from tests.processes import printed
from tfflows import saved_model
from zoo.state_file import write_state


def test_damage_at_random_places_is_refused_by_the_name_of_the_file(artifact):
    files = sorted(f for f in artifact.rglob("*") if f.is_file() and f.stat().st_size)
    contents = [f.read_bytes() for f in files]
    sizes = np.array([len(content) for content in contents])
    random, refused = np.random.RandomState(0), 0
    kinds = [damaged(content, i) for i, content in enumerate(contents)]
    # As a bad disk would: more of it in bigger files, but some of it in each.
    chances = 0.5 * sizes / sizes.sum() + 0.5 / len(files)
    for choice in random.choice(len(files), 2 * PLACES, p=chances):
        kind, place, content = next(kinds[choice])
        files[choice].write_bytes(content)
        with pytest.raises((ValueError, FileNotFoundError)) as error:
            saved_model.read(artifact)
        assert str(artifact) in str(error.value), (files[choice], kind, place)
        if files[choice].name != "SHA256SUMS":
            assert files[choice].name in str(error.value)
        files[choice].write_bytes(contents[choice])
        refused += 1
    print(f"{refused} of {2 * PLACES} damages refused")
    tfflows.load(artifact)


def test_a_list_cut_short_is_refused(artifact):
    sums = artifact / saved_model.CHECKSUMS
    content = sums.read_bytes()
    sums.write_bytes(b"".join(content.splitlines(keepends=True)[:-1]))
    with pytest.raises(ValueError, match="does not list variables/variables.index"):
        saved_model.read(artifact)
    sums.write_bytes(content)


def write_where_nothing_can_be(good, directory):
    import resource

    model = tfflows.load(good)
    model.export(directory / "1")
    write_state(directory / "state.npz", {"a": np.zeros(4000)})

    def attempts():
        for what in (
            lambda: model.export(directory / "1"),
            lambda: write_state(directory / "state.npz", {"a": np.ones(4000)}),
        ):
            try:
                what()
                print("NO ERROR")
            except OSError as error:
                print(type(error).__name__, str(error))

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    attempts()
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    directory.chmod(0o555)
    if os.geteuid() == 0:
        os.setuid(65534)  # root may write anywhere
    attempts()


@pytest.fixture
def everyones():
    """A directory that another user may come to."""
    with tempfile.TemporaryDirectory() as name:
        pathlib.Path(name).chmod(0o755)
        (pathlib.Path(name) / "full").mkdir()
        yield pathlib.Path(name) / "full"


def test_a_disk_that_takes_no_more_leaves_the_last_good_one(artifact, everyones):
    lines = printed(write_where_nothing_can_be, artifact, everyones).splitlines()
    everyones.chmod(0o755)
    assert len(lines) == 4, lines
    for line, name in zip(lines, ["1", "state.npz"] * 2):
        assert str(everyones / name) in line and "what was there is left as it was" in line, line
    assert all("too large" in line for line in lines[:2])
    assert all(line.startswith("PermissionError") for line in lines[2:])
    assert sorted(f.name for f in everyones.iterdir()) == ["1", "state.npz"]
    tfflows.load(everyones / "1")
    assert not np.load(everyones / "state.npz")["a"].any()
