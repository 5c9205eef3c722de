"""MINIBOONE: measured particle events."""

import numpy as np

from zoo.data.data_set import Arrays, DataSet, prepared_together
from zoo.data.maf_paper.files import SOURCE, Directory, find_file, load_array
from zoo.data.maf_paper.preparation import (
    named,
    split_by_tenths,
    standardized_by_train_and_validation,
)


def miniboone(*, directory: Directory = None) -> DataSet:
    """MINIBOONE, 43 columns, from `miniboone/data.npy`, which the paper's authors cleaned."""
    return DataSet(
        name="miniboone",
        event_shape=(43,),
        description="Electron neutrino events of the MiniBooNE experiment.",
        source=f"UCI Machine Learning Repository, through {SOURCE}",
        licence="CC BY 4.0",
        read=prepared_together(
            lambda: prepare(load_array(find_file("miniboone", ("miniboone/data.npy",), directory)))
        ),
    )


def prepare(table: np.ndarray) -> dict[str, Arrays]:
    """Splits the rows in their order and standardises them.

    Args:
        table: `[n, 43]`.
    """
    splits = split_by_tenths(table.astype(np.float64))
    return named(standardized_by_train_and_validation(splits))
