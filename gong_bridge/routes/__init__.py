"""The way from a source to the ledger: what a source is bound to, who can open it, what is watched beside it."""
