"""The homes of the end-to-end tests, for proofs."""

from __future__ import annotations

from tests.end_to_end.conftest import home, make_home

__all__ = ["home", "make_home"]
