"""POWER: electric power consumption of one household."""

import numpy as np

from zoo.data.data_set import Arrays, DataSet, prepared_together
from zoo.data.maf_paper.files import SOURCE, Directory, find_file, load_array
from zoo.data.maf_paper.preparation import (
    named,
    split_by_tenths,
    standardized_by_train_and_validation,
)

COLUMNS = ("active power", "voltage", *(f"sub-metering {i}" for i in (1, 2, 3)), "time")
REACTIVE_POWER, INTENSITY = 1, 3


def power(*, directory: Directory = None) -> DataSet:
    """POWER, 6 columns, from `power/data.npy`; noise as wide as the rounding is in it already."""
    return DataSet(
        name="power",
        event_shape=(6,),
        description="Electric power consumption of one household, minute by minute, 47 months.",
        source=f"UCI Machine Learning Repository, through {SOURCE}",
        licence="CC BY 4.0",
        read=prepared_together(
            lambda: prepare(load_array(find_file("power", ("power/data.npy",), directory)))
        ),
        columns=COLUMNS,
    )


def prepare(table: np.ndarray) -> dict[str, Arrays]:
    """Rows shuffled, two columns dropped, the others' rounding filled with noise; standardised.

    Args:
        table: `[n, 8]`, time last.
    """
    random = np.random.RandomState(42)
    table = table[random.permutation(len(table))]
    table = np.delete(table, [REACTIVE_POWER, INTENSITY], axis=1) + _noise(random, len(table))
    return named(standardized_by_train_and_validation(split_by_tenths(table)))


def _noise(random: np.random.RandomState, n: int) -> np.ndarray:
    """Uniform noise `[n, 6]`, in the order of the paper's draws: voltage first."""
    voltage = 0.01 * random.rand(n, 1)
    active_power = 0.001 * random.rand(n, 1)
    sub_metering = random.rand(n, 3)
    return np.hstack([active_power, voltage, sub_metering, np.zeros([n, 1])])
