"""What would become of recordings, by really looking at each: for commands that touch nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from gong_bridge import clock
from gong_bridge.errors import Held, NotYetComplete, SourceGone, UnknownPerson
from gong_bridge.ledger.erasing import ERASED
from gong_bridge.mapping.trial import Outcome
from gong_bridge.model import Entry, Recording
from gong_bridge.service import Bridge
from gong_bridge.sources.names import NameRules

_AT_ONCE = 2  # as many as the probe has processes
_BATCH = 32


def outcomes_of(bridge: Bridge, recordings: Iterable[Recording]) -> Iterator[Outcome]:
    """The outcome of each, in order; a few are in memory at a time.

    Raises what is no recording's fault: a source or Gong that cannot be reached, wrong keys.
    """
    found = iter(recordings)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while batch := list(itertools.islice(found, _BATCH)):
            yield from pool.map(lambda recording: outcome_of(bridge, recording), batch)


def outcome_of(bridge: Bridge, recording: Recording) -> Outcome:
    """What would become of one recording; see `outcomes_of`."""
    route = bridge.routes[recording.source]
    options = next(source for source in bridge.config.sources if source.name == recording.source)
    ends = partial(Outcome, source=recording.source, key=recording.key, mapping=route.mapping.name)
    if not NameRules(options.include, options.exclude).takes(recording.key) or route.mapping.is_sidecar(recording.key):
        return ends(verdict="not taken", reason="the source's include and exclude, or its mapping, leave it out")
    now = clock.now()
    entry = Entry.as_if_found(recording, now)
    try:
        looked = bridge.looking.look(entry, now=now)
    except UnknownPerson as error:
        person = (error.kind, error.value)
        return ends(verdict="held", code=error.code, reason=error.message, person=person)
    except Held as error:
        return ends(verdict="held", code=error.code, reason=error.message)
    except NotYetComplete as error:
        return ends(verdict="waits", code=error.code, reason=error.message)
    except SourceGone as error:
        return ends(verdict="skipped", code=error.code, reason=error.message)
    composition = looked.composition
    if composition is None or composition.draft is None:
        reason = composition.skip_reason if composition else looked.verdict.skip_reason
        return ends(verdict="skipped", reason=reason)
    draft = composition.draft.to_json()
    because = bridge.suppression.why_not(entry, draft, composition.sidecar_key)
    if because is not None:
        return ends(verdict="skipped", code=ERASED, reason=because)
    return ends(
        verdict="sent", warnings=looked.warnings, request=draft,
        share_with=composition.share_with,
    )  # fmt: skip
