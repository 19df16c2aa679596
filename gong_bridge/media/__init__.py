"""Is the recording whole and audible: probed in an isolated process, judged by pure rules."""
