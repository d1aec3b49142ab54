"""Speed of this package."""
