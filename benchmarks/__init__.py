"""tfflows side by side with its peers: speed (``benchmarks.speed``) and quality (``benchmarks.quality``)."""
