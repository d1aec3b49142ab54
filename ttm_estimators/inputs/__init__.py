"""Inputs: from a user's arrays to the tensors that a network takes, in forecasting and training."""
