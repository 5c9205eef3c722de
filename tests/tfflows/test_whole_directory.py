"""A directory is there whole, old or new, at any moment."""

import os
import sys
import threading

import pytest

from tfflows import whole_directory as module
from tfflows.exchange import exchange
from tfflows.whole_directory import whole_directory

linux = pytest.mark.skipif(sys.platform != "linux", reason="exchange() is for Linux")


def write(path, text):
    with whole_directory(path) as directory:
        (directory / "file").write_text(text)


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_new_one_takes_the_place_of_the_old(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(module, "exchange", lambda one, other: False)
    for text in ("old", "new"):
        write(tmp_path / "1", text)
        assert (tmp_path / "1" / "file").read_text() == text
        assert list(tmp_path.iterdir()) == [tmp_path / "1"]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_an_error_leaves_the_old_one_and_nothing_else(tmp_path, monkeypatch, can_exchange):
    write(tmp_path / "1", "old")

    def fail(one, other):
        raise OSError(13, "Permission denied")

    if can_exchange:
        monkeypatch.setattr(module, "exchange", fail)
    else:
        monkeypatch.setattr(module, "exchange", lambda one, other: False)
        replace = module.os.replace
        monkeypatch.setattr(
            module.os,
            "replace",
            lambda a, b: fail(a, b) if a.name.startswith(".1.") else replace(a, b),
        )
    with pytest.raises(OSError, match="Permission denied"):
        write(tmp_path / "1", "new")
    assert (tmp_path / "1" / "file").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "1"]


def test_what_cannot_be_moved_back_is_kept_and_named(tmp_path, monkeypatch):
    write(tmp_path / "1", "old")
    monkeypatch.setattr(module, "exchange", lambda one, other: False)
    replace, moved = module.os.replace, []

    def only_once(a, b):
        moved.append(b)
        if len(moved) > 1:
            raise OSError(13, "Permission denied")
        replace(a, b)

    monkeypatch.setattr(module.os, "replace", only_once)
    with pytest.raises(OSError, match="what was there is now") as caught:
        write(tmp_path / "1", "new")
    assert str(moved[0]) in str(caught.value) and "left as it was" not in str(caught.value)
    assert (moved[0] / "file").read_text() == "old"


@linux
def test_whoever_looks_never_misses_it(tmp_path):
    write(tmp_path / "1", "old")
    looks, missed, done = 0, 0, threading.Event()

    def look():
        nonlocal looks, missed
        while not done.is_set():
            looks += 1
            missed += not (tmp_path / "1" / "file").exists()

    watcher = threading.Thread(target=look)
    watcher.start()
    for i in range(200):
        write(tmp_path / "1", str(i))
    done.set()
    watcher.join()
    assert looks > 200 and not missed, f"{missed} of {looks}"


@linux
def test_exchange(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert [(tmp_path / name).read_text() for name in ("a", "b")] == ["b", "a"]
    with pytest.raises(FileNotFoundError, match="none"):
        exchange(tmp_path / "a", tmp_path / "none")


def test_a_link_goes_on_pointing_where_it_did(tmp_path):
    write(tmp_path / "1", "old")
    (tmp_path / "latest").symlink_to("1")
    write(tmp_path / "latest", "new")
    assert (tmp_path / "latest").is_symlink() and (tmp_path / "1" / "file").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "latest"]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_directory_is_as_open_as_others(tmp_path, umask):
    before = os.umask(umask)
    try:
        write(tmp_path / "1", "new")
        (tmp_path / "other").mkdir()
    finally:
        os.umask(before)
    assert (tmp_path / "1").stat().st_mode == (tmp_path / "other").stat().st_mode
