"""gong-bridge: every recording of a call recorder reaches Gong, whole, once, with the right people on it.

Reading order for a newcomer: model (the nouns), call_draft (what Gong is sent), errors (what happens next), pipeline
(the states), worker (claim, step, record), service (how it is put together), running (how it is set going), cli (the
verbs).

The rooms: config (bridge.yaml), strict_yaml (YAML with places), sources (folders, buckets), mapping (facts to call),
media (is it whole and audible), gong (the API), ledger (what became of each recording), web (pages), cli (commands),
sandbox (stand-ins for Gong, S3 and SQS), demo (the main job on samples), drill (a bad day on copies), receive (what
Gong has, as files), receipt (what became of each day), privacy (people who are erased), crm (what the company's own
CRM tells Gong).
Beside them: connected (Gong for programs of one's own), account (a Gong account with its keys, users, allowance,
pause), looking (what is it), gathering (calls in several files), sharing (who may open a call besides), identity (which
call is it), directory (who is who), agents_file (agents.csv), sidecar_watch, sidecars_again (sidecars that come late,
or when the call is there), mapping_watch (mappings that are corrected), gate (trouble pauses an account), switch (a
person pauses), set_back (the clock), single_pass (run --once), supervision (threads that must not end), presence (who
else is there), owner (names of leases), routing (each source, and who can open it), notify (what systemd is told),
notifications (messages of a queue, read again), reception (the ledger's side of finding), backfill (old recordings, by
order), kill_points (the moments at which a crash must do no harm), private_file (exports, for their owner alone).

Imports point down and siblings never meet; tests/test_architecture.py proves it:
errors, private_file < call_draft, model, clock, kill_points, logs, notify, strict_yaml < recording_page < config
< retry | sources | mapping | media | gong | ledger | sandbox < agents_file, beside, gate, set_back, switch
< directory, identity, notifications, owner, mapping_watch, sidecar_watch < account, receive, route
< connected, crm, privacy < looking, receipt, routing, sidecars_again < gathering, sharing < pipeline
< backfill, worker, presence, reception, supervision, single_pass < service < running, scratch, outcomes
< web, demo, drill < cli.
"""

__version__ = "0.1.0"
