"""GIFT-Eval: its tasks, a runner that writes submissions, and a leaderboard of them."""
