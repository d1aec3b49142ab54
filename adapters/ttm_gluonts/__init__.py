"""The GluonTS adapter. It has no public names yet."""
