"""What Gong has, brought home: lists as files that can be gone on with, behind live recordings."""
