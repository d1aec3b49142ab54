"""Where windows for training come from."""
