"""Calls in several files: which files are there, who leads, what the call is made of."""
