"""What is done for a recording in each state; pipeline.py says which step comes when."""
