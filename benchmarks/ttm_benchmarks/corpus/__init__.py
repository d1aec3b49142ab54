"""Errors on the last windows of a corpus, to choose between models without a benchmark."""
