"""tfflows beside its peers: speed (``benchmarks.speed``), quality (``benchmarks.quality``)."""
