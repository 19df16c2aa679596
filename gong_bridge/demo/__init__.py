"""The main job shown on a newcomer's machine, without an account."""
