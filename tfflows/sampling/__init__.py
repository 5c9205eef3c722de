from tfflows.sampling.raster import RasterSampler
from tfflows.sampling.wavefront import WavefrontSampler

__all__ = ["RasterSampler", "WavefrontSampler"]
