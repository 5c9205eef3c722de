"""Named data sets as `tf.data`, with fixed splits."""

from zoo.data.catalogue import load, names
from zoo.data.data_set import SPLITS, DataSet
from zoo.data.pipeline import batches, dequantized, steps_per_epoch

__all__ = ["SPLITS", "DataSet", "batches", "dequantized", "load", "names", "steps_per_epoch"]
