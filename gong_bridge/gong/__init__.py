"""Gong's API v2: one client, one file per resource."""
