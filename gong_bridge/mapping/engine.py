"""Composes a call from a recording's facts by a mapping; pure but for the sidecar and object facts it is handed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gong_bridge.errors import BadMetadata, ConfigError, Held, MissingSidecar
from gong_bridge.mapping.checks import Scene, check_draft, remarks_on
from gong_bridge.mapping.composition import Composition, Skip, hold, skip
from gong_bridge.mapping.definition import Condition, Definition, Grouping, Node, reads
from gong_bridge.mapping.description import Description
from gong_bridge.mapping.drafting import clean, draft_of, exact_times
from gong_bridge.mapping.facts import Known, facts_of, match_name, started_by_file
from gong_bridge.mapping.filters import Here
from gong_bridge.mapping.grouping import GroupFacts, Membership, membership_by
from gong_bridge.mapping.loading import load_definition
from gong_bridge.mapping.options import NO_OPTIONS, Options, version_of, wrong_options
from gong_bridge.mapping.origins import Origins
from gong_bridge.mapping.parties import complete_parties
from gong_bridge.mapping.people import Company
from gong_bridge.mapping.plain_filters import FALSE_WORDS
from gong_bridge.mapping.repeated import Made, make_items
from gong_bridge.mapping.shares import named_in, remarks_of, shares_of
from gong_bridge.mapping.sidecars import Beside, SidecarMissing, Waiting
from gong_bridge.mapping.table_rows import Row
from gong_bridge.mapping.templates import Later, Missing, NotUsable, Template, text_of


def load_mapping(path: Path, options: Options = NO_OPTIONS) -> Mapping:
    """The mapping in the file, with what a source sets of its options.

    Raises ConfigError, one line `file:line:column: key: what; cure` for every mistake.
    """
    definition = load_definition(path)
    wrong = wrong_options(definition.options, options)
    if wrong:
        raise ConfigError([f"options.{name}: {what}" for name, what in wrong.items()])
    return Mapping(definition, options)


class Mapping:
    """One mapping file, ready to use; safe to use from several threads at once."""

    def __init__(self, definition: Definition, options: Options = NO_OPTIONS) -> None:
        self.name = definition.name
        self.about = definition.about
        self.shares = bool(definition.share_with)
        """Whether it names people to share calls with."""
        self.needs_object_facts = "object" in definition.names_used
        self.extends = definition.extends
        self.files = definition.files
        self.version = version_of(definition.files, options)
        self._definition = definition
        self.options = {**definition.options, **options}
        places = definition.sidecar.places if definition.sidecar else ()
        self._sidecar_endings = tuple(place.ending for place in places if not place.where)
        self.places_needed = frozenset(place.where for place in places if place.where)
        """Names under which the source must say where sidecars lie elsewhere."""
        self.sidecar_wait_seconds = definition.sidecar.wait_seconds if definition.sidecar else 0.0

    def wrong_options(self, given: Options) -> dict[str, str]:
        """Which of these options cannot be set, and why; see mapping.options."""
        return wrong_options(self._definition.options, given)

    def is_sidecar(self, key: str) -> bool:
        """Does the name say that this is a sidecar, so no recording?"""
        return bool(self._sidecar_endings) and key.lower().endswith(self._sidecar_endings)

    def compose(self, known: Known, group: GroupFacts | None = None) -> Composition:
        """The call that this recording is; `group`: with which others, when its mapping has group_by.

        Raises BadMetadata, UnknownPerson and UnusableUser (held), NotYetComplete (the sidecar has not come), and what
        `known.beside` and `known.describe` raise.
        """
        work = self._work(known)
        if self.grouping is not None:
            work.provide_group(group or GroupFacts())
        try:
            return work.compose(Scene(media=known.media, people=known.people, now=known.now), known.company)
        except Held as error:
            error.facts = work.shown_facts()
            raise

    def described_by(self, known: Known) -> tuple[str, str] | None:
        """Which sidecar is read for this recording now, and a digest of what it says; None: none is there.

        Raises BadMetadata (it cannot be read), NotYetComplete (half written), and what `known.beside` raises.
        """
        if self._definition.sidecar is None:
            return None
        return self._work(dataclasses.replace(known, sidecar_wait_seconds=0.0)).described_by()

    @property
    def grouping(self) -> Grouping | None:
        """How several files become one call; None when each file is a call of its own."""
        return self._definition.grouping

    def membership(self, known: Known) -> Membership | None:
        """Which call of several files this recording belongs to; None: it is one of its own, or to be skipped.

        Raises what `compose` raises.
        """
        work = self._work(known)
        try:
            return work.membership()
        except Held as error:
            error.facts = work.shown_facts()
            raise

    def _work(self, known: Known) -> _Work:
        definition = self._definition
        facts = facts_of(known)
        facts["options"] = self.options
        facts["_here"] = Here(
            company=known.company,
            people=known.people,
            tables=definition.tables,
            placeholders=definition.placeholders,
            started_by_file=started_by_file(known.recording, known.media),
        )
        waiting = Waiting(recording=known.recording, now=known.now, wait_seconds=known.sidecar_wait_seconds)
        return _Work(definition=definition, facts=facts, waiting=waiting, beside=known.beside)


class _Work:
    """The composition of one recording: facts are computed when first needed, so a skipped one waits for no sidecar."""

    def __init__(
        self,
        *,
        definition: Definition,
        facts: dict[str, Any],
        waiting: Waiting,
        beside: Beside,
    ) -> None:
        self._definition = definition
        self._facts = facts
        self._description = Description(definition, waiting, beside)

    def compose(self, scene: Scene, company: Company) -> Composition:
        definition = self._definition
        try:
            subject = self._match()
            self._rules(definition.skip_when, skip)
            self._rules(definition.hold_when, hold)
            overrides = self._internal_call()
            origins = Origins(definition, subject)
            values = self._values(origins)
        except Skip as decided:
            return Composition(draft=None, skip_reason=decided.reason, facts=self.shown_facts())
        except SidecarMissing as missing:
            if definition.sidecar is not None and definition.sidecar.when_missing == "skip":
                return Composition(draft=None, skip_reason=missing.message, facts=self.shown_facts())
            raise MissingSidecar(f"{missing.message}; {missing.cure}") from None
        values.update(overrides)
        origins.say(dict.fromkeys(overrides, f"mapping: internal_calls.policy {definition.internal_policy}"))
        values, filled = complete_parties(values, scene.people, company)
        origins.say(filled)
        draft = draft_of(values)
        check_draft(draft, scene)
        draft = exact_times(draft)
        named = named_in(self._value(definition.share_with, "share_with"))
        shares = shares_of(named, scene.people, but_not=draft.primary_user)
        return Composition(
            draft=draft,
            find_origins=lambda: origins.in_words(draft.to_json(), self._facts),
            facts=self.shown_facts(),
            warnings=(*self._without_sidecar(), *self._warnings(), *remarks_on(draft), *remarks_of(shares)),
            sidecar_key=self._description.key or None,
            sidecar_digest=self._description.digest,
            missing_sidecar=self._description.missing,
            share_with=shares,
        )

    def described_by(self) -> tuple[str, str] | None:
        """Only the sidecar."""
        try:
            self._match()
            self._provide(("sidecar",))
        except (Skip, SidecarMissing):
            return None
        described = self._description
        return None if described.digest is None else (described.key, described.digest)

    def membership(self) -> Membership | None:
        """Rules of the mapping that skip a file by itself come before its group; those about the group wait for it."""
        definition = self._definition
        if definition.grouping is None:
            return None
        try:
            self._match()
            alone = (rule for rule in definition.skip_when if "group" not in reads(rule.when, definition.lets))
            self._rules(tuple(alone), skip)
            return membership_by(definition.grouping, self._value)
        except (Skip, SidecarMissing):
            return None  # what becomes of it is found out, and said, when it is composed by itself

    def provide_group(self, group: GroupFacts) -> None:
        """Let templates know the other files of the call."""
        self._facts["group"] = group.to_facts()

    # --- steps ---------------------------------------------------------------------------------------------------

    def _match(self) -> str:
        try:
            subject = match_name(self._definition, self._facts)
        except ValueError as error:
            raise BadMetadata(f"file name: {error}; rename the recording") from None
        if subject is None:
            self._rules(self._rules_without_captures(), skip)
            reason = f"no pattern of mapping {self._definition.name!r} matches the recording's name"
            if self._definition.when_no_match == "skip":
                raise Skip(reason)
            raise BadMetadata(f"{reason}; add a pattern under `match`, or exclude such names from the source")
        return subject

    def _rules_without_captures(self) -> tuple[Condition, ...]:
        """The skip rules that mean something for a name that no pattern matches."""
        definition = self._definition
        needs_match = {"sidecar", *definition.capture_names}
        needs_match.update(name for pattern in definition.patterns for name in pattern.constants)
        return tuple(rule for rule in definition.skip_when if not needs_match & reads(rule.when, definition.lets))

    def _rules(self, rules: tuple[Condition, ...], act: Callable[[str], None]) -> None:
        for rule in rules:
            if self._holds(rule.when, "when"):
                act(text_of(self._value(rule.because, "because")))

    def _internal_call(self) -> dict[str, Any]:
        if not self._holds(self._definition.internal_when, "internal_calls.when"):
            return {}
        if self._definition.internal_policy == "skip":
            raise Skip("an internal call: both ends belong to the company (internal_calls in the mapping)")
        return {"direction": self._definition.internal_policy}

    def _values(self, origins: Origins) -> dict[str, Any]:
        """The fields of the call, clean, with every origin noted."""
        values: dict[str, Any] = {}
        body = self._definition.body
        if body is not None:
            origins.came_from("", body)
            given = clean(self._value(body, "body"))
            if not isinstance(given, dict):
                raise BadMetadata(f"body: {self._description} must hold one object with the fields of a Gong call")
            values.update(given)
        for name, node in self._definition.call.items():
            value = clean(self._party_values(node, origins) if name == "parties" else self._value(node, name))
            if name != "parties" or not isinstance(node, list):
                origins.came_from(name, node)
            values.pop(name, None)
            if value not in (None, "", [], {}):
                values[name] = value
        return values

    def _party_values(self, node: Node, origins: Origins) -> Any:
        """The parties without those that have no value at all or are there already."""
        if not isinstance(node, list):
            return self._value(node, "parties")
        parties: list[Any] = []
        for made in self._made(node, "parties"):
            party = clean(made.value)
            if party and party not in parties:
                for name, inner in made.fields.items():
                    origins.came_from(f"parties[{len(parties)}].{name}", inner)
                parties.append(party)
        return parties

    def _made(self, nodes: list[Node], field: str) -> Iterator[Any]:
        return make_items(nodes, field, facts=self._facts, value_of=self._value, holds=self._holds)

    def _without_sidecar(self) -> tuple[str, ...]:
        missing = self._description.missing
        return (f"{missing}; sent without it",) if missing else ()

    def _warnings(self) -> tuple[str, ...]:
        found: list[str] = []
        self._rules(self._definition.warn_when, found.append)
        here: Here = self._facts["_here"]
        return (*here.remarks, *found)

    # --- values --------------------------------------------------------------------------------------------------

    def _value(self, node: Node, field: str) -> Any:
        """What a node gives. Raises BadMetadata that begins with the field's name."""
        if isinstance(node, dict):
            return {key: self._value(inner, f"{field}.{key}") for key, inner in node.items()}
        if isinstance(node, list):
            return [made.value if isinstance(made, Made) else made for made in self._made(node, field)]
        if not isinstance(node, Template):
            return node
        self._provide(node.names)
        try:
            return node.evaluate(self._facts)
        except NotUsable as error:
            raise BadMetadata(f"{field}: {error}{self._where(node)}") from None

    def _holds(self, node: Node, field: str) -> bool:
        """Does a condition hold? A text such as "false" would count as true, so it raises BadMetadata."""
        value = self._value(node, field)
        if isinstance(value, str) and value.strip().casefold() in FALSE_WORDS:
            raise BadMetadata(f"{field}: the text {value!r} is not empty, so it would count as true; add | is_true")
        return bool(value)

    def _provide(self, names: tuple[str, ...]) -> None:
        for name in names:
            if name in self._facts:
                continue
            if name == "sidecar" or (name == "rows" and self._description.has_rows):
                self._facts["sidecar"], rows = self._description.read(self._sidecar_value)
                if self._description.has_rows:
                    self._facts["rows"] = list(rows)
            elif name in self._definition.lets:
                self._facts[name] = self._value(self._definition.lets[name], f"let.{name}")

    def _value_for_row(self, node: Node, row: Row) -> Any:
        """What a node gives for one row of a table; the row is a fact only meanwhile."""
        self._facts["row"] = row
        try:
            return self._value(node, "sidecar.table")
        finally:
            del self._facts["row"]

    def _sidecar_value(self, node: Node, row: Row | None = None) -> Any:
        return self._value(node, "sidecar") if row is None else self._value_for_row(node, row)

    def _where(self, template: Template) -> str:
        reads_sidecar = any(name == "sidecar" for name in template.names)
        return f" (sidecar {self._description.key})" if reads_sidecar and self._description.key else ""

    def shown_facts(self) -> dict[str, object]:
        shown: dict[str, object] = {}
        for name, value in self._facts.items():
            if isinstance(value, Later):
                if value.loaded is not None:
                    shown[name] = value.loaded
            elif not name.startswith("_") and not isinstance(value, Missing):
                shown[name] = value
        return shown
