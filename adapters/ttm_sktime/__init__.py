"""The sktime adapter. It has no public names yet."""
