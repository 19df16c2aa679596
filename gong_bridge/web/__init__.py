"""Pages, health and metrics for people and monitors."""
