"""BSDS300: patches of natural images."""

import numpy as np

from zoo.data.data_set import DataSet
from zoo.data.maf_paper.files import SOURCE, Directory, find_file, read


def bsds300(*, directory: Directory = None) -> DataSet:
    """BSDS300, 63 columns, from `BSDS300/BSDS300.hdf5`, used as it is.

    8x8 grey patches with uniform noise, less the patch's mean and without the last pixel.
    """
    return DataSet(
        name="bsds300",
        event_shape=(63,),
        description="8x8 grey patches of natural images, less their means.",
        source=f"Berkeley Segmentation Data Set, through {SOURCE}",
        licence="non-commercial research and education (Berkeley Segmentation Data Set)",
        read=lambda split: (_read(split, directory), None),
    )


def _read(split: str, directory: Directory) -> np.ndarray:
    import h5py

    path = find_file("bsds300", ("BSDS300/BSDS300.hdf5",), directory)
    with read(path), h5py.File(path, "r") as file:
        return file[split][:].astype(np.float32)
