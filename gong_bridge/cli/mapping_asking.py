"""The questions of `mapping new`, for a terminal: each with what is taken when just Enter is pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import typer
from rich.text import Text

from gong_bridge.cli.common import out
from gong_bridge.cli.mapping_new_result import ROLE_STYLES, show_fields, show_sidecar
from gong_bridge.config.schema import check_zone
from gong_bridge.mapping.guessing import DIRECTIONS, ROLES, Plan, Shape
from gong_bridge.mapping.planning import Given, read_from_sidecar, read_given, shapes_with
from gong_bridge.mapping.shape_patterns import direction_words
from gong_bridge.mapping.writing import Choices, SidecarPlan, epochs_of
from gong_bridge.readable import printable

_WAYS = ("Inbound", "Outbound", "Conference", "Unknown")


def names() -> list[str]:
    """Names, one a line, or a folder."""
    out.print(Text("Names of recordings, one a line, or one folder. An empty line ends.", style="bold"))
    found: list[str] = []
    while line := typer.prompt("", default="", show_default=False, prompt_suffix="> ").strip():
        found.append(line)
    return found


def text(question: str, default: str, *, check: Callable[[str], object]) -> str:
    """An answer that `check` accepts: it returns something, or raises ValueError."""
    while True:
        answer = str(typer.prompt(question, default=default)).strip()
        try:
            if check(answer):
                return answer
        except ValueError as error:
            out.print(Text(str(error), style="red"))
        else:
            out.print(Text("that cannot be used; letters, digits, - and _ can", style="red"))


def agent() -> str:
    """The e-mail address of the one person whose recordings these are; empty when there is no such person."""
    out.print(Text("Nothing in these names says whose call it was.", style="yellow"))
    return str(typer.prompt("E-mail address, if all are one person's", default="", show_default=False)).strip()


def about_fields(
    stems: Sequence[str], plan: Plan, given: Given, shapes: list[Shape], sidecar: SidecarPlan | None
) -> tuple[list[Shape], SidecarPlan | None, Given]:
    """Shows the guesses until they are right."""
    while True:
        show_fields(shapes)
        if sidecar is not None:
            show_sidecar(sidecar)
        answer = _correction()
        if not answer:
            return shapes, sidecar, given
        try:
            said = read_given(answer.split())
            given = Given(
                fields={**given.fields, **said.fields}, sidecar={**given.sidecar, **said.sidecar},
                agent_from_folder=given.agent_from_folder or said.agent_from_folder,
            )  # fmt: skip
            shapes = shapes_with(stems, plan, given)
        except ValueError as error:
            out.print(Text(str(error), style="red"))
            continue
        if sidecar is not None:
            shapes = read_from_sidecar(shapes, sidecar, given)
            paths = {**sidecar.paths, **{role: (path, _form(sidecar, role)) for role, path in said.sidecar.items()}}
            sidecar = replace(sidecar, paths=paths)


def _form(sidecar: SidecarPlan, role: str) -> str:
    return sidecar.paths[role][1] if role in sidecar.paths else "iso"


def _correction() -> str:
    while True:
        answer = str(
            typer.prompt("Right? Enter, or what is wrong (such as 2=agent), ? for help", default="", show_default=False)
        ).strip()
        if answer != "?":
            return answer
        for role, meaning in ROLES.items():
            out.print(Text.assemble(("  " + role.ljust(10), ROLE_STYLES[role]), meaning))
        out.print(
            Text("  FIELD=ROLE; a time with its format: 1=start:%Y%m%d%H%M%S or 1=start:epoch; several with spaces.")
        )
        out.print(
            Text("  2.1=ignore is field 1 of shape 2; folder=agent takes the folder; sidecar.a.b=id a sidecar's key.")
        )


def about_the_rest(choices: Choices, company_zone: str) -> Choices:
    """Zone, direction, internal calls, channel: only what is open."""
    local = [one.kind for role in ("start", "date") for one in choices.fields(role) if one.kind.startswith("%")]
    has_epoch = bool(choices.shapes) and all(epochs_of(shape) for shape in choices.shapes)
    if choices.zone is None and not has_epoch and any("%z" not in form for form in local):
        zone = text(f"The times have no zone. Which? Enter: the source's ({company_zone})", "source", check=_is_zone)
        choices = replace(choices, zone=None if zone == "source" else zone)
    if choices.direction is None and not choices.has("direction") and not choices.has("caller"):
        way = _one_of("No field is the direction. It is always", ("Unknown", "Inbound", "Outbound"))
        choices = replace(choices, direction=way)
    choices = replace(choices, directions=(*choices.directions, *_meanings(choices)))
    if choices.has("caller") or choices.has("customer"):
        choices = replace(choices, internal=_one_of("Calls between colleagues", ("skip", "Conference", "Unknown")))
    if choices.agent_channel is None:
        side = _one_of("In stereo recordings the agent is", ("unknown", "left", "right"))
        choices = replace(choices, agent_channel={"left": 0, "right": 1}.get(side))
    return choices


def _is_zone(answer: str) -> bool:
    return answer == "source" or bool(check_zone(answer))


def _meanings(choices: Choices) -> list[tuple[str, str]]:
    """What the words that nobody knows mean."""
    words = [word for one in choices.fields("direction") for word in direction_words(one.values)]
    return [
        (word, _one_of(f"The word {printable(word)!r} means", _WAYS))
        for word in dict.fromkeys(words)
        if word.casefold() not in DIRECTIONS and word not in dict(choices.directions)
    ]


def _one_of(question: str, answers: Sequence[str]) -> str:
    """One of the answers; the first is taken with Enter, and each may be shortened."""
    while True:
        said = str(typer.prompt(f"{question} ({' | '.join(answers)})", default=answers[0])).strip()
        found = [one for one in answers if said and one.casefold().startswith(said.casefold())]
        if found:
            return found[0]
        out.print(Text(f"write one of {', '.join(answers)}", style="red"))
