"""A Gong account as the bridge has it: its log-in, its people, its allowance, and whether trouble pauses it."""
