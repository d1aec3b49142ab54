"""Training on series of a user."""
