from tfflows.masks.alternating import Alternating
from tfflows.masks.checkerboard import Checkerboard
from tfflows.masks.half import Half
from tfflows.masks.mask import Mask
from tfflows.masks.packed_checkerboard import PackedCheckerboard

__all__ = ["Alternating", "Checkerboard", "Half", "Mask", "PackedCheckerboard"]
