"""Image sets of TensorFlow Datasets."""

import os
import pathlib

import numpy as np

from zoo.data.data_set import DataSet

SHAPES = {"mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}

DESCRIPTIONS = {
    "mnist": "Handwritten digits, 28x28 grey pixels, 10 classes.",
    "fashion_mnist": "Articles of clothing, 28x28 grey pixels, 10 classes.",
    "cifar10": "Animals and vehicles, 32x32 RGB pixels, 10 classes.",
}

LICENCES = {
    "mnist": "CC BY-SA 3.0 (Y. LeCun, C. Cortes)",
    "fashion_mnist": "MIT (Zalando SE)",
    "cifar10": "none stated; cite Krizhevsky, Learning Multiple Layers of Features, 2009",
}

# The last tenth of the training images, in the order of tfds, is for validation.
PARTS = {"train": "train[:90%]", "validation": "train[90%:]", "test": "test"}


def images(
    name: str, *, data_dir: str | os.PathLike | None = None, download: bool = False
) -> DataSet:
    """An image set: uint8 `[n, height, width, channels]` and labels 0 .. 9.

    Args:
        name: "mnist", "fashion_mnist" or "cifar10".
        data_dir: where tfds keeps its data sets; the environment variable TFDS_DATA_DIR, or the
            default of tfds, where None.
        download: whether a set that is not there is downloaded and prepared; otherwise asking for
            its arrays raises FileNotFoundError.
    """
    return DataSet(
        name=name,
        event_shape=SHAPES[name],
        description=DESCRIPTIONS[name],
        source=f"TensorFlow Datasets, {name}",
        licence=LICENCES[name],
        read=lambda split: _read(name, split, data_dir, download),
        num_classes=10,
        bin_width=1.0,
        centered=False,
    )


def _read(name, split, data_dir, download) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow_datasets as tfds

    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR") or tfds.core.constants.DATA_DIR
    data_dir = pathlib.Path(data_dir).expanduser()
    if not download and not any(data_dir.glob(f"{name}/*/dataset_info.json")):
        raise FileNotFoundError(
            f"{name} is not prepared in {data_dir}. Say where it is (option data_dir, or the "
            f"environment variable TFDS_DATA_DIR), or download it: "
            f"zoo.data.load({name!r}, download=True) or `tfds build {name} --data_dir {data_dir}`."
        )
    options = {"data_dir": data_dir, "download": download, "as_supervised": True}
    try:
        return tfds.as_numpy(tfds.load(name, split=PARTS[split], batch_size=-1, **options))
    except Exception as error:  # of TensorFlow, tfds, protobuf or the network, all of their own
        reason = " ".join(str(error).split())[:300]
        raise OSError(
            f"{name} cannot be read from {data_dir}: {type(error).__name__}: {reason}. If files "
            f"are damaged or incomplete, remove {data_dir / name} and prepare it again."
        ) from error
