"""What became of each recording: the only queue, and the shared API allowance."""
