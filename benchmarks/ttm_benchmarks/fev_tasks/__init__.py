"""Tasks of fev on local data, and its leaderboard."""
