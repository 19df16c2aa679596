"""gong-bridge: every recording of a call recorder reaches Gong, whole, once, with the right people on it.

Reading order for a newcomer: model (the nouns), call_draft (what Gong is sent), errors (what happens next), pipeline
(the states) and steps (what is done in each), worker (claim, step, record), service (how it is put together), running
(how it is set going), cli (the verbs).

The rooms: config (bridge.yaml), strict_yaml (YAML with places), sources (folders, buckets), routes (what a source is
bound to, and what is watched beside it), mapping (facts to call), media (is it whole and audible), gong (the API),
account (a Gong account: log-in, users, pause), ledger (what became of each recording), steps (look, create, deliver,
share), web (pages), cli (commands), sandbox (stand-ins for Gong, S3 and SQS), demo (the main job on samples), drill (a
bad day on copies), receive (what Gong has, as files), receipt (what became of each day), privacy (people who are
erased), crm (what the company's own CRM tells Gong).
Beside them: connected (Gong for programs of one's own), linking (delivery by link or by upload), switch (a person
pauses), set_back (the clock), single_pass (run --once), supervision (threads that must not end), presence (who else is
there), owner (names of leases), notify (what systemd is told), observer (who is told of progress), backfill (old
recordings, by order), outcomes and scratch (a recording tried without a ledger), kill_points (the moments at which a
crash must do no harm), private_file (exports, for their owner alone), readable (text that a terminal cannot obey),
recording_page (what a listing found, made into recordings only where they are new).

Imports point down and siblings never meet; tests/test_architecture.py proves it:
errors, private_file, readable < call_draft, model, clock, kill_points, logs, notify, strict_yaml, tokens
< recording_page < config < retry | sources | mapping | media | gong | ledger | sandbox
< linking, observer, owner, set_back, switch < account, routes < receive < connected, crm, privacy
< receipt, steps < pipeline < backfill, worker, presence, supervision, single_pass < service
< running, scratch, outcomes < web, demo, drill < cli.
"""

__version__ = "0.1.0"
