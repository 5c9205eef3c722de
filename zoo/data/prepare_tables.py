"""Writes the tables of zoo/tables: `python -m zoo.data.prepare_tables SOURCE_DIR`.

SOURCE_DIR/NAME/data.npz holds a raw table and its prepared splits: `columns`, `keep` (indices of
the columns kept), `mean`, `std`, `step` (raw units, columns kept), `train`, `val`, `test`.
"""

import argparse
import pathlib

import numpy as np

from zoo.data.tables import DESCRIPTIONS

TABLES = pathlib.Path(__file__).parents[1] / "tables"


def prepare_table(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies what the package needs of one table, without the raw data, compressed.

    Raises:
        ValueError: where the prepared splits are not the standardised raw rows.
    """
    with np.load(source, allow_pickle=False) as file:
        splits = {"train": file["train"], "validation": file["val"], "test": file["test"]}
        mean, std, keep = file["mean"], file["std"], file["keep"]
        raw = (file["data"][file["perm"]][:, keep] - mean) / std
        if not np.allclose(raw, np.concatenate(list(splits.values())), atol=1e-5):
            raise ValueError(f"{source}: the splits are not the standardised rows of the table.")
        np.savez_compressed(
            target,
            columns=file["columns"][keep],
            mean=mean,
            std=std,
            step=file["step"],
            **{split: x.astype(np.float32) for split, x in splits.items()},
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the tables that ship with the package.")
    parser.add_argument("source", type=pathlib.Path, help="directory of NAME/data.npz")
    parser.add_argument("--target", type=pathlib.Path, default=TABLES, help="default: %(default)s")
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    for name in DESCRIPTIONS:
        target = arguments.target / f"{name}.npz"
        prepare_table(arguments.source / name / "data.npz", target)
        print(f"{target}: {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
