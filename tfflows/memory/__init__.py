from tfflows.memory.recompute import recompute
from tfflows.memory.refuse_stateful import refuse_stateful
from tfflows.memory.reversible import reversible
from tfflows.memory.step import Step, run

__all__ = ["Step", "recompute", "refuse_stateful", "reversible", "run"]
