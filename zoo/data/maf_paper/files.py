"""Where a user keeps the files of the MAF paper."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

import numpy as np

VARIABLE = "TFFLOWS_DATA_DIR"
SOURCE = "the MAF paper's authors, Zenodo record 1161203 (data.tar.gz)"

Directory = str | os.PathLike | None


def find_file(name: str, candidates: tuple[str, ...], directory: Directory) -> pathlib.Path:
    """The first of the candidate files that exists.

    Args:
        name: of the data set, for the message.
        candidates: paths below the directory, the preferred one first.
        directory: that holds the unpacked archive; the environment variable TFFLOWS_DATA_DIR
            where None.

    Raises:
        FileNotFoundError: where none does; it says where it looked, and the cure.
    """
    directory = directory or os.environ.get(VARIABLE)
    cure = (
        f"Unpack the archive of {SOURCE} and give its directory: "
        f"option directory, or the environment variable {VARIABLE}."
    )
    if not directory:
        raise FileNotFoundError(f"{name} does not come with the package. {cure}")
    paths = [pathlib.Path(directory).expanduser() / candidate for candidate in candidates]
    for path in paths:
        if path.is_file():
            return path
    raise FileNotFoundError(f"{name}: there is no {' or '.join(map(str, paths))}. {cure}")


@contextlib.contextmanager
def read(path: pathlib.Path) -> Iterator[None]:
    """Where a file is read: OSError, with its name and the cure, if that cannot be done."""
    try:
        yield
    except (EOFError, KeyError, ValueError, OSError) as error:
        raise OSError(
            f"{path} cannot be read: {type(error).__name__}: {error}. If it is damaged or "
            f"incomplete, get it again: {SOURCE}."
        ) from error


def load_array(path: pathlib.Path) -> np.ndarray:
    """The array of an `.npy` file; without pickles in it."""
    with read(path):
        return np.load(path)
