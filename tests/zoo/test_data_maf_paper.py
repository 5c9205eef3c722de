"""The five sets of the MAF paper, on small files of the same format."""

import os
import pathlib
import pickle
import sys

import h5py
import numpy as np
import pytest

from zoo import data
from zoo.data.maf_paper.gas import without_correlated_columns

FIVE = ("power", "gas", "hepmass", "miniboone", "bsds300")
SENSORS = [f"R{i}" for i in range(1, 17)]


def _rows(n: int, columns: int, seed: int = 0) -> np.ndarray:
    random = np.random.RandomState(seed)
    return random.randn(n, columns) * (1 + np.arange(columns)) + np.arange(columns)


def _arrays(data_set: data.DataSet) -> list[np.ndarray]:
    return [data_set.arrays(split)[0] for split in data.SPLITS]


def _write(path: pathlib.Path, table: np.ndarray) -> np.ndarray:
    path.parent.mkdir(exist_ok=True)
    np.save(path, table)
    return table


@pytest.mark.parametrize("name", FIVE)
def test_a_missing_file_names_the_place_and_the_cure(name, tmp_path, monkeypatch):
    monkeypatch.delenv("TFFLOWS_DATA_DIR", raising=False)
    with pytest.raises(FileNotFoundError, match=f"{name}.*Zenodo.*directory.*TFFLOWS_DATA_DIR"):
        data.load(name).arrays("train")
    with pytest.raises(FileNotFoundError, match=rf"{name}: there is no .*{tmp_path.name}"):
        data.load(name, directory=tmp_path).arrays("train")


def test_directory_from_the_environment(tmp_path, monkeypatch):
    _write(tmp_path / "miniboone/data.npy", _rows(100, 43))
    monkeypatch.setenv("TFFLOWS_DATA_DIR", str(tmp_path))
    assert data.load("miniboone").size("train") == 81


def test_miniboone(tmp_path):
    table = _write(tmp_path / "miniboone/data.npy", _rows(205, 43))
    train, validation, test = _arrays(data.load("miniboone", directory=tmp_path))
    assert (len(train), len(validation), len(test)) == (167, 18, 20)
    seen = table[:185]
    expected = (table - seen.mean(axis=0)) / seen.std(axis=0)
    np.testing.assert_allclose(np.concatenate([train, validation, test]), expected, rtol=1e-5)


def test_miniboone_of_another_width_is_refused(tmp_path):
    _write(tmp_path / "miniboone/data.npy", _rows(100, 42))
    with pytest.raises(ValueError, match=r"expected shape \[n >= 1, 43\], got \[81, 42\]"):
        data.load("miniboone", directory=tmp_path).arrays("train")


def test_miniboone_on_real_rows(tmp_path):
    shared = os.environ.get("TFFLOWS_SHARED")
    source = pathlib.Path(shared or "") / "uci/miniboone_head/data.npy"
    if not shared or not source.is_file():
        pytest.skip(
            "no real MINIBOONE rows: TFFLOWS_SHARED has to hold uci/miniboone_head/data.npy"
        )
    _write(tmp_path / "miniboone/data.npy", np.load(source))
    train, validation, test = _arrays(data.load("miniboone", directory=tmp_path))
    assert (len(train), len(validation), len(test)) == (1234, 137, 152)
    seen = np.concatenate([train, validation]).astype(float)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(seen.std(axis=0), 1, atol=1e-5)


def test_power(tmp_path):
    """Against the paper's own steps, in their order; and the noise fills the bins."""
    table = _write(tmp_path / "power/data.npy", np.round(_rows(1003, 8)))
    splits = _arrays(data.load("power", directory=tmp_path))
    assert [len(x) for x in splits] == [813, 90, 100]

    random = np.random.RandomState(42)
    shuffled = table.copy()
    random.shuffle(shuffled)
    shuffled = shuffled[:, [0, 2, 4, 5, 6, 7]]
    voltage, active = 0.01 * random.rand(1003), 0.001 * random.rand(1003)
    noisy = shuffled + np.c_[active, voltage, random.rand(1003, 3), np.zeros(1003)]
    mean, std = noisy[:903].mean(axis=0), noisy[:903].std(axis=0)
    np.testing.assert_allclose(np.concatenate(splits), (noisy - mean) / std, atol=1e-5)

    noise = np.concatenate(splits) * std + mean - shuffled
    np.testing.assert_allclose(noise.max(axis=0), [0.001, 0.01, 1, 1, 1, 0], rtol=0.02, atol=1e-5)
    np.testing.assert_allclose(noise.min(axis=0), 0, atol=0.01)


def _gas_records(n: int = 200) -> np.recarray:
    """19 named columns; 8 sensors repeat 8 others, so that 8 stay."""
    sensors = _rows(n, 8, seed=3)
    again = 2 * sensors + 0.01 * _rows(n, 8, seed=4)
    names = ["Time", "Meth", "Eth", *SENSORS]
    columns = [np.arange(n), *_rows(n, 2, seed=5).T, *sensors.T, *again.T]
    return np.rec.fromarrays(columns, names=names)


def test_gas(tmp_path):
    records = _write(tmp_path / "gas/ethylene_CO.npy", _gas_records())
    train, validation, test = _arrays(data.load("gas", directory=tmp_path))
    assert (len(train), len(validation), len(test)) == (162, 18, 20)
    kept = np.stack([records[name] for name in SENSORS[8:]], axis=-1)
    expected = (kept - kept.mean(axis=0)) / kept.std(axis=0, ddof=1)
    np.testing.assert_allclose(np.concatenate([train, validation, test]), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "kept"),
    [
        (lambda a, b, c: [a, b, c], [0, 1, 2]),
        (lambda a, b, c: [a, a, b], [1, 2]),
        (lambda a, b, c: [a, b, b, a, a], [2, 4]),
        (lambda a, b, c: [a, -a, b], [0, 1, 2]),
    ],
)
def test_the_first_of_correlated_columns_is_dropped(make, kept):
    table = np.stack(make(*_rows(300, 3).T), axis=-1)
    np.testing.assert_array_equal(without_correlated_columns(table, 0.98), table[:, kept])


def test_gas_refuses_an_array_without_names(tmp_path):
    _write(tmp_path / "gas/ethylene_CO.npy", _rows(100, 19))
    with pytest.raises(ValueError, match=r"no column names.*to_records"):
        data.load("gas", directory=tmp_path).arrays("train")


def test_gas_refuses_a_table_without_the_columns_to_drop(tmp_path):
    _write(tmp_path / "gas/ethylene_CO.npy", np.rec.fromarrays(_rows(100, 2).T, names=["Eth", "a"]))
    with pytest.raises(ValueError, match=r"no column \['Meth', 'Time'\]"):
        data.load("gas", directory=tmp_path).arrays("train")


class _Bomb:
    def __reduce__(self):
        return pytest.fail, ("a pickle was read",)


def test_gas_does_not_read_a_pickle_unasked(tmp_path):
    (tmp_path / "gas").mkdir()
    (tmp_path / "gas/ethylene_CO.pickle").write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(ValueError, match=r"runs the code in it.*allow_pickle=True.*to_records"):
        data.load("gas", directory=tmp_path).arrays("train")


def test_gas_says_that_a_pickle_needs_pandas(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    (tmp_path / "gas").mkdir()
    (tmp_path / "gas/ethylene_CO.pickle").write_bytes(b"")
    with pytest.raises(ImportError, match="install pandas"):
        data.load("gas", directory=tmp_path, allow_pickle=True).arrays("train")


def test_gas_reads_an_allowed_pickle(tmp_path):
    pandas = pytest.importorskip("pandas", reason="only with pandas can a pickle be read")
    _write(tmp_path / "gas/ethylene_CO.npy", _gas_records())
    from_array = _arrays(data.load("gas", directory=tmp_path))
    (tmp_path / "gas/ethylene_CO.npy").unlink()
    pandas.DataFrame(_gas_records()).to_pickle(tmp_path / "gas/ethylene_CO.pickle")
    from_pickle = _arrays(data.load("gas", directory=tmp_path, allow_pickle=True))
    np.testing.assert_array_equal(from_pickle[0], from_array[0])


def _hepmass_file(path: pathlib.Path, n: int, seed: int, extra: int) -> np.ndarray:
    """Class, 27 features of which 6 are discrete, and one more column in the test file."""
    table = np.c_[np.arange(n) % 3 > 0, np.round(_rows(n, 27 + extra, seed), 6)]
    table[:, 1 : 1 + 27 : 5] = table[:, 1 : 1 + 27 : 5] > 1
    names = ["# label", *(f"f{i}" for i in range(27)), "mass"][: table.shape[1]]
    path.parent.mkdir(exist_ok=True)
    np.savetxt(path, table, delimiter=",", header=",".join(names), comments="")
    return table[table[:, 0] == 1, 1:28]


def test_hepmass(tmp_path):
    train_table = _hepmass_file(tmp_path / "hepmass/1000_train.csv", 301, seed=1, extra=0)
    test_table = _hepmass_file(tmp_path / "hepmass/1000_test.csv", 90, seed=2, extra=1)
    train, validation, test = _arrays(data.load("hepmass", directory=tmp_path))
    assert (len(train), len(validation), len(test)) == (180, 20, 60)
    kept = [i for i in range(27) if i % 5]
    mean, std = train_table.mean(axis=0), train_table.std(axis=0, ddof=1)
    for found, table in [
        (np.concatenate([train, validation]), train_table),
        (test, test_table),
    ]:
        np.testing.assert_allclose(found, ((table - mean) / std)[:, kept], atol=1e-5)


def test_hepmass_asks_only_after_the_smallest_value(tmp_path):
    """A column whose other values repeat stays, as in the paper's code: here a 22nd."""
    path = tmp_path / "hepmass/1000_train.csv"
    _hepmass_file(path, 300, seed=1, extra=0)
    _hepmass_file(tmp_path / "hepmass/1000_test.csv", 90, seed=2, extra=1)
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    table[1, 1] = -1
    np.savetxt(path, table, delimiter=",", header=",".join("c" * 28), comments="")
    with pytest.raises(ValueError, match=r"expected shape \[n >= 1, 21\], got \[180, 22\]"):
        data.load("hepmass", directory=tmp_path).arrays("train")


def test_bsds300(tmp_path):
    (tmp_path / "BSDS300").mkdir()
    tables = {split: _rows(n, 63, n) for split, n in zip(data.SPLITS, (50, 5, 10), strict=True)}
    with h5py.File(tmp_path / "BSDS300/BSDS300.hdf5", "w") as file:
        for split, table in tables.items():
            file[split] = table
    data_set = data.load("bsds300", directory=tmp_path)
    for split, table in tables.items():
        np.testing.assert_array_equal(data_set.arrays(split)[0], table.astype(np.float32))


FILES = {
    "power": ["power/data.npy"],
    "gas": ["gas/ethylene_CO.npy"],
    "hepmass": ["hepmass/1000_train.csv", "hepmass/1000_test.csv"],
    "miniboone": ["miniboone/data.npy"],
    "bsds300": ["BSDS300/BSDS300.hdf5"],
}


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_with_the_cure(name, tmp_path):
    for file in FILES[name]:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"\xff" * 9)
    first = FILES[name][0]
    with pytest.raises(OSError, match=f"{first} cannot be read: .*get it again"):
        data.load(name, directory=tmp_path).arrays("train")
