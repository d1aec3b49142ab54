"""Pages that open from disk: a style, charts, and how a page is written as one file."""
