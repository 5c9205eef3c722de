"""A named data set with fixed splits."""

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from zoo.data.known import check_known

SPLITS = ("train", "validation", "test")

Arrays = tuple[np.ndarray, np.ndarray | None]


@dataclasses.dataclass(frozen=True, eq=False)
class DataSet:
    """A data set with the splits "train", "validation" and "test", read when first asked for.

    Attributes:
        name: what `zoo.data.load` calls it.
        event_shape: shape of one example.
        description: one sentence.
        source: where the data is from.
        licence: its licence, or what is known of it.
        read: gives the arrays of one split; called at most once a split.
        num_classes: labels are 0 .. num_classes - 1; None for unlabelled data.
        bin_width: width of the rounding of x, in the units of x: one number, one per column, or
            None where x is continuous.
        centered: whether x is the centre of its rounding bin (tables) or its lower edge (images).
        columns: names of the columns of a table.
        mean, std: of each column of a standardised table, in its raw units: raw = mean + std * x.
        plot_range: both axes of a plot of 2-D data run from the first to the second number.
        true_log_prob: the density that x was drawn from, `[n, 2] -> [n]` in nats, where known.
    """

    name: str
    event_shape: tuple[int, ...]
    description: str
    source: str
    licence: str
    read: Callable[[str], Arrays] = dataclasses.field(repr=False)
    num_classes: int | None = None
    bin_width: float | tuple[float, ...] | None = None
    centered: bool = True
    columns: tuple[str, ...] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    plot_range: tuple[float, float] | None = None
    true_log_prob: Callable[[np.ndarray], np.ndarray] | None = None
    _cache: dict[str, Arrays] = dataclasses.field(default_factory=dict, init=False, repr=False)

    @property
    def is_image(self) -> bool:
        """Whether an example is `[height, width, channels]`."""
        return len(self.event_shape) == 3

    @property
    def dimensions(self) -> int:
        """The number of elements of an example."""
        return math.prod(self.event_shape)

    @property
    def nats_per_bit(self) -> float:
        """What a log-probability in nats is divided by to be in bits per dimension."""
        return self.dimensions * math.log(2.0)

    def arrays(self, split: str) -> Arrays:
        """The split as read-only arrays `(x, labels)`.

        x is `[n, *event_shape]`, float32 (images: uint8); labels are `[n]` int32, or None.

        Raises:
            ValueError: for an unknown split, and for data of another shape or with NaN in it.
        """
        check_known(f"split of {self.name}", split, SPLITS)
        if split not in self._cache:
            self._cache[split] = self._checked(split, *self.read(split))
        return self._cache[split]

    def size(self, split: str) -> int:
        """The number of examples in the split."""
        return len(self.arrays(split)[0])

    def tf_data(self, split: str) -> tf.data.Dataset:
        """The split in order and unbatched: x, or pairs (x, label) where the data is labelled."""
        x, labels = self.arrays(split)
        with tf.device("CPU:0"):
            return tf.data.Dataset.from_tensor_slices(x if labels is None else (x, labels))

    def without_labels(self) -> "DataSet":
        """The same data for a model of p(x): x alone."""
        return dataclasses.replace(
            self, num_classes=None, read=lambda split: (self.arrays(split)[0], None)
        )

    def _checked(self, split: str, x: np.ndarray, labels: np.ndarray | None) -> Arrays:
        where = f"{self.name}, split {split!r}"
        if x.shape[1:] != self.event_shape or len(x) == 0:
            expected = f"[n >= 1, {', '.join(map(str, self.event_shape))}]"
            raise ValueError(f"{where}: expected shape {expected}, got {list(x.shape)}.")
        x = x if x.dtype == np.uint8 else x.astype(np.float32, copy=False)
        if x.dtype == np.float32 and not np.isfinite(x).all():
            raise ValueError(f"{where}: NaN or infinite values.")
        labels = None if labels is None else labels.astype(np.int32)
        return _read_only(x), _read_only(labels)


def prepared_together(prepare: Callable[[], dict[str, Arrays]]) -> Callable[[str], Arrays]:
    """A `read` for splits that are made all at once, when the first of them is asked for."""
    prepare = functools.cache(prepare)
    return lambda split: prepare()[split]


def _read_only(array: np.ndarray | None) -> np.ndarray | None:
    if array is None:
        return None
    view = array.view()
    view.flags.writeable = False
    return view
