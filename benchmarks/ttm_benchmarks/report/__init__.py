"""A report of GIFT-Eval results as one page that opens from disk."""
