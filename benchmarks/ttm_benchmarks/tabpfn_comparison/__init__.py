"""Models side by side on the same tasks: accuracy, and what it costs."""
