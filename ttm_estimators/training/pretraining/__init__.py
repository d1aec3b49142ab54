"""Pre-training: a network from random weights, on synthetic and real series."""
