"""GAS: chemical sensors in mixtures of ethylene and CO."""

import pathlib

import numpy as np

from zoo.data.data_set import Arrays, DataSet, prepared_together
from zoo.data.maf_paper.files import SOURCE, Directory, find_file, load_array
from zoo.data.maf_paper.preparation import named, split_by_tenths

DROPPED = ("Meth", "Eth", "Time")
CONVERSION = (
    'numpy.save("ethylene_CO.npy", '
    'pandas.read_pickle("ethylene_CO.pickle").to_records(index=False))'
)


def gas(*, directory: Directory = None, allow_pickle: bool = False) -> DataSet:
    """GAS, 8 columns, from `gas/ethylene_CO.npy` or `gas/ethylene_CO.pickle`.

    The archive has the table as a pickle, and to read a pickle is to run whatever code is in it.
    So either allow it, or convert the file once, where you trust it, to an array with named
    columns: `numpy.save("ethylene_CO.npy", pandas.read_pickle(...).to_records(index=False))`.

    Args:
        directory: that holds `gas/`; the environment variable TFFLOWS_DATA_DIR where None.
        allow_pickle: whether the pickle may be read; needs pandas.
    """
    return DataSet(
        name="gas",
        event_shape=(8,),
        description="Readings of chemical sensors in varying mixtures of ethylene and CO.",
        source=f"UCI Machine Learning Repository, through {SOURCE}",
        licence="CC BY 4.0",
        read=prepared_together(lambda: prepare(*_read(directory, allow_pickle))),
    )


def prepare(table: np.ndarray, columns: list[str]) -> dict[str, Arrays]:
    """Drops concentrations, time and correlated sensors; standardises the whole table; splits it.

    Args:
        table: `[n, number of columns]`.
        columns: their names, with "Meth", "Eth" and "Time" among them.
    """
    missing = set(DROPPED) - set(columns)
    if missing:
        raise ValueError(f"gas: no column {sorted(missing)} among {columns}.")
    table = table[:, [column not in DROPPED for column in columns]]
    table = without_correlated_columns(table, limit=0.98)
    table = (table - table.mean(axis=0)) / table.std(axis=0, ddof=1)
    return named(split_by_tenths(table))


def without_correlated_columns(table: np.ndarray, limit: float) -> np.ndarray:
    """Drops the first column that correlates above the limit with another, until none does."""
    correlated = np.corrcoef(table, rowvar=False) > limit
    keep = list(range(table.shape[1]))
    while True:
        has_partner = correlated[np.ix_(keep, keep)].sum(axis=1) > 1
        if not has_partner.any():
            return table[:, keep]
        del keep[int(np.argmax(has_partner))]


def _read(directory: Directory, allow_pickle: bool) -> tuple[np.ndarray, list[str]]:
    path = find_file("gas", ("gas/ethylene_CO.npy", "gas/ethylene_CO.pickle"), directory)
    records = _unpickled(path, allow_pickle) if path.suffix == ".pickle" else load_array(path)
    if records.dtype.names is None:
        raise ValueError(f"gas: {path} has no column names; write it by {CONVERSION}.")
    columns = list(records.dtype.names)
    return np.stack([records[name].astype(float) for name in columns], axis=-1), columns


def _unpickled(path: pathlib.Path, allow_pickle: bool) -> np.ndarray:
    if not allow_pickle:
        raise ValueError(
            f"gas: {path} is a pickle, and reading it runs the code in it. If you trust the file, "
            f"say allow_pickle=True, or convert it once: {CONVERSION}."
        )
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"gas: to read {path}, install pandas.") from error
    return pandas.read_pickle(path).to_records(index=False)
