from tfflows.masks.alternating import Alternating
from tfflows.masks.checkerboard import Checkerboard
from tfflows.masks.half import Half
from tfflows.masks.mask import Mask

__all__ = ["Alternating", "Checkerboard", "Half", "Mask"]
