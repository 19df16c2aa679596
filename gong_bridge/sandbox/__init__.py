"""A stand-in for Gong that enforces what Gong documents."""
