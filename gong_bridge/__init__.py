"""gong-bridge: every recording of a call recorder reaches Gong, whole, once, with the right people on it.

Reading order for a newcomer: model (the nouns), errors (what happens next), pipeline (the states),
worker (claim, step, record), service (how it is put together), cli (the verbs).

The rooms: config (bridge.yaml), sources (folders, buckets), mapping (facts to call), media (is it whole
and audible), gong (the API), ledger (what became of each recording), web (pages), sandbox (a stand-in for Gong).

Imports point down and siblings never meet; tests/test_architecture.py proves it:
errors < model, clock, logs < retry | config | sources | mapping | media | gong | ledger < pipeline < worker < service
< web < cli.
"""

__version__ = "0.1.0"
