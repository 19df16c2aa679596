"""What Gong's answers hold, one file per resource; every field may be absent, unknown ones are ignored."""
