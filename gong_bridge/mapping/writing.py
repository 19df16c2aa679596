"""Writes a mapping file from what was found out about names and sidecars; pure: choices in, YAML out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gong_bridge.mapping.guessing import DIRECTIONS, Field, Shape
from gong_bridge.mapping.shape_patterns import CAPTURES, EPOCHS, direction_words, pattern_of

_SHORT_ID = 6


@dataclass(frozen=True, kw_only=True)
class SidecarPlan:
    """The file beside each recording: its format, where it lies, and role -> (path in it, format of a time)."""

    format: str
    find: dict[str, str]
    paths: dict[str, tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Everything that `mapping new` knows when it writes. agent_email: one person for all recordings."""

    name: str
    about: str
    shapes: tuple[Shape, ...]
    samples: tuple[str, ...]
    sidecar: SidecarPlan | None = None
    zone: str | None = None
    agent_email: str | None = None
    agent_from_folder: bool = False
    agent_channel: int | None = None
    direction: str | None = None
    directions: tuple[tuple[str, str], ...] = ()
    internal: str = "skip"

    def fields(self, role: str) -> list[Field]:
        """All fields that were given this role, in any shape."""
        return [one for shape in self.shapes for one in shape.fields if one.role == role]

    def has(self, role: str) -> bool:
        """Do names or the sidecar say this?"""
        return bool(self.fields(role)) or (self.sidecar is not None and role in self.sidecar.paths)


# --- the file --------------------------------------------------------------------------------------------------------


def write_mapping(choices: Choices) -> str:
    """The YAML text of the mapping, with comments for whoever reads it next."""
    choices = _without_short_ids(choices)
    lines = [f"about: {quoted(_in_comment(choices.about))}", ""]
    lines += ["# Made by `gong-bridge mapping new`. The samples that it was made from:"]
    lines += [f"#     {_in_comment(sample)}" for sample in choices.samples[:8]]
    lines += _match(choices)
    lines += ["# Words that mean nothing in this recorder's names and files; add your own.",
              "placeholders: [anonymous, unknown, restricted, private, unavailable, withheld]"]  # fmt: skip
    lines += ["", *_sidecar(choices)] if choices.sidecar else []
    if choices.has("direction"):
        rows = ", ".join(f"{quoted(word)}: {meaning}" for word, meaning in _directions(choices))
        lines += ["", "tables:", "  # the recorder's words -> Inbound, Outbound, Conference or Unknown",
                  f"  direction: {{{rows}}}"]  # fmt: skip
    lines += ["", "let:", *(f"  {name}: {quoted(value)}" for name, value in _lets(choices))]
    lines += ["", *_rules(choices)]
    lines += ["call:", *_call(choices), ""]
    return "\n".join(lines)


def _without_short_ids(choices: Choices) -> Choices:
    """Ids that could come again (a counter), or that only some names have, are not read at all."""
    if _own_id(choices):
        return choices
    shapes = [
        shape.with_fields(replace(one, role="ignore") if one.role == "id" else one for one in shape.fields)
        for shape in choices.shapes
    ]
    return replace(choices, shapes=tuple(shapes))


def _own_id(choices: Choices) -> bool:
    in_each = all(any(one.role == "id" for one in shape.fields) for shape in choices.shapes)
    values = [value for one in choices.fields("id") for value in one.values]
    in_sidecar = choices.sidecar is not None and "id" in choices.sidecar.paths
    return in_each and not in_sidecar and all(len(value) >= _SHORT_ID for value in values)


def _match(choices: Choices) -> list[str]:
    lines = [""] if choices.shapes else []
    if any(one.role != "ignore" or one.kind == "uniqueid" for shape in choices.shapes for one in shape.fields):
        lines += ["# The name without its ending is searched; each (?P<name>...) becomes a fact. Tried in this order.",
                  "match:"]  # fmt: skip
        lines += [f"  - stem: {quoted(pattern_of(shape))}" for shape in choices.shapes]
        lines += ["when_no_match: hold   # or skip: names that fit no pattern are no recordings", ""]
    return lines


def _sidecar(choices: Choices) -> list[str]:
    plan = choices.sidecar
    assert plan is not None
    find = ", ".join(f"{rule}: {quoted(text)}" for rule, text in plan.find.items())
    where = ["  where: {file: '{{ name }}'}"] if plan.format == "csv" and "file" in plan.paths else []
    return ["# The file that describes the recording; it is waited for (sidecar_wait of the source).", "sidecar:",
            f"  format: {plan.format}", f"  find: [{{{find}}}]", *where, "  when_missing: hold"]  # fmt: skip


def _directions(choices: Choices) -> list[tuple[str, str]]:
    given = dict(choices.directions)
    words = [word for one in choices.fields("direction") for word in direction_words(one.values)]
    for word in (*words, *given):
        meaning = given.get(word, DIRECTIONS.get(word.casefold()))
        if meaning is not None:
            given[word] = meaning
    if choices.sidecar is not None and "direction" in choices.sidecar.paths:
        for word in ("inbound", "in", "incoming", "outbound", "out", "outgoing", "internal"):
            given.setdefault(word, DIRECTIONS[word])
    return list(given.items())


def _value(choices: Choices, role: str) -> str:
    """The expression that gives what was read for a role, from the name or else from the sidecar."""
    if choices.fields(role):
        return CAPTURES[role]
    assert choices.sidecar is not None
    return f"({choices.sidecar.paths[role][0]} | default | meaningful)"


def _lets(choices: Choices) -> Iterator[tuple[str, str]]:
    yield "start", "{{ " + _start(choices) + " }}"
    if choices.agent_email:
        yield "host", f"{{{{ '{choices.agent_email}' | agent('email') }}}}"
    elif _by_plan(choices):
        yield "caller_inside", f"{{{{ {_value(choices, 'caller')} | is_extension }}}}"
        for name, one, other in (("agent_value", "caller", "called"), ("other_value", "called", "caller")):
            yield name, f"{{{{ {_value(choices, one)} if caller_inside else {_value(choices, other)} }}}}"
        yield "host", "{{ agent_value | agent('extension', 'phone', 'login') }}"
    else:
        yield (
            "agent_value",
            "{{ folders | last }}" if choices.agent_from_folder else f"{{{{ {_value(choices, 'agent')} }}}}",
        )
        yield "host", "{{ agent_value | agent }}"
        if choices.has("customer"):
            yield "other_value", f"{{{{ {_value(choices, 'customer')} | percent_decode }}}}"
    if _has_other(choices):
        yield "other_number", "{{ other_value | phone('if_dialled') }}"
    yield "direction", "{{ " + _direction(choices) + " }}"


def _by_plan(choices: Choices) -> bool:
    return choices.has("caller") and choices.has("called") and not choices.has("agent")


def _has_other(choices: Choices) -> bool:
    return not choices.agent_email and (_by_plan(choices) or choices.has("customer"))


def _start(choices: Choices) -> str:
    """The expression of the start; a choice where the names of different shapes write it differently."""
    zone = f", zone='{choices.zone}'" if choices.zone else ""
    ways: list[tuple[str, str]] = []
    without_epoch = [shape for shape in choices.shapes if not epochs_of(shape)]
    if epochs := [kind for shape in choices.shapes for kind in epochs_of(shape)]:
        ways.append(("epoch", f"epoch | time({_listed(epochs)})"))
    if whens := [one.kind for shape in without_epoch for one in shape.fields if one.role == "start"]:
        ways.append(("when", f"when | time({_listed(whens)}{zone})"))
    if days := [one.kind for shape in without_epoch for one in shape.fields if one.role == "date"]:
        joined = [f"{day} {clock.kind}" for day in days for clock in choices.fields("clock")]
        ways.append(("day", f"(day ~ ' ' ~ clock) | time({_listed(joined)}{zone})"))
    if choices.sidecar is not None and "start" in choices.sidecar.paths and not ways:
        path, form = choices.sidecar.paths["start"]
        ways.append(("", f"{path} | time({_text(form)}{zone})"))
    *others, (_, text) = ways
    for name, way in reversed(others):
        text = f"{way} if {name} else {text}"
    return text


def epochs_of(shape: Shape) -> list[str]:
    """The formats of the seconds since 1970 that names of this shape hold, on their own or within a uniqueid."""
    return [
        "epoch" if one.kind == "uniqueid" else one.kind
        for one in shape.fields
        if one.kind == "uniqueid" or (one.role == "start" and one.kind in EPOCHS)
    ]


def _listed(forms: Sequence[str]) -> str:
    return ", ".join(map(_text, dict.fromkeys(forms)))


def _direction(choices: Choices) -> str:
    plan = "'Outbound' if caller_inside else 'Inbound'"
    if choices.direction:
        return f"'{choices.direction}'"
    if choices.has("direction"):
        return f"{_value(choices, 'direction')} | lookup('direction', {plan if _by_plan(choices) else repr('Unknown')})"
    return plan if _by_plan(choices) else "'Unknown'"


def _rules(choices: Choices) -> list[str]:
    lines: list[str] = []
    if not choices.agent_email:
        lines += [
            "hold_when:",
            "  - {when: agent_value is empty, because: 'primaryUser: nothing says who took part'}",
            "",
        ]
    both = [one.kind for shape in choices.shapes if epochs_of(shape) for one in shape.fields
            if one.role == "start" and one.kind not in EPOCHS]  # fmt: skip
    if both:
        zone = f", zone='{choices.zone}'" if choices.zone else ""
        local = f"when | time({_listed(both)}, ambiguous='earlier'{zone})"
        lines += ["warn_when:", "  # the epoch needs no zone; the local time beside it proves the source's time_zone",
                  f"  - when: {quoted('{{ epoch and when and (' + local + ' | seconds_since(start) | abs) > 1500 }}')}",
                  "    because: the local time in the name is not the epoch's; is the source's time_zone right?",
                  ""]  # fmt: skip
    inside = "{{ other_value | is_extension }}"
    if _has_other(choices) and (_by_plan(choices) or not _looks_inside(choices)):
        lines += ["# Gong has no direction for calls between colleagues: skip, Conference or Unknown.",
                  f"internal_calls: {{when: {quoted(inside)}, policy: {choices.internal}}}", ""]  # fmt: skip
    return lines


def _looks_inside(choices: Choices) -> bool:
    """Numbers of customers that look like extensions are another kind of number, not internal calls."""
    values = [value for one in choices.fields("customer") for value in one.meaningful]
    return bool(values) and all(len(value) <= 5 for value in values)


def _call(choices: Choices) -> list[str]:
    channel = choices.agent_channel
    stereo = f"{{{{ {channel} if media.channels == 2 }}}}"
    other_side = f"{{{{ {1 - channel} if media.channels == 2 }}}}" if channel is not None else ""
    lines = [
        "  # How Gong and the bridge know a recording again: not the folder, not the ending.",
        f"  clientUniqueId: {quoted(_identity(choices))}",
        '  actualStart: "{{ start }}"',
        '  direction: "{{ direction }}"',
        '  duration: "{{ media.duration_seconds }}"',
        '  primaryUser: "{{ host.user_id }}"',
        "  parties:",
        '    - userId: "{{ host.user_id }}"',
        '      emailAddress: "{{ host.email }}"',
        '      name: "{{ host.name }}"',
    ]
    if channel is not None:
        lines.append(f"      mediaChannelId: {quoted(stereo)}   # 0 left, 1 right")
    if _has_other(choices):
        named = "other_name | default(" if choices.has("name") and choices.fields("name") else "("
        unnamed = "none if other_number else other_value | default('unknown caller')"
        lines += ['    - phoneNumber: "{{ other_number }}"', f"      name: {quoted('{{ ' + named + unnamed + ') }}')}"]
        lines += [f"      mediaChannelId: {quoted(other_side)}"] if other_side else []
    return lines


def _identity(choices: Choices) -> str:
    if choices.sidecar is not None and "id" in choices.sidecar.paths:
        return f"{choices.name}-{{{{ {choices.sidecar.paths['id'][0]} }}}}"
    if _own_id(choices):
        return f"{choices.name}-{{{{ call_id }}}}"
    return f"{choices.name}-{{{{ start | write_time('%Y%m%dT%H%M%SZ', zone='UTC') }}}}-{{{{ stem | digest(12) }}}}"


def quoted(text: str) -> str:
    """A YAML scalar in quotes: double where the text holds single ones only, else single."""
    if "'" in text and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def _text(form: str) -> str:
    return "'" + form.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _in_comment(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
