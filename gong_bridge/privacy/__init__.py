"""Erased people: found here and in Gong, taken out, and never sent again."""
