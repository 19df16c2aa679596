"""What became of each day's recordings, settled against what Gong has."""
