"""What `mapping new` shows: the fields with their guesses, and what comes of the samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import out
from gong_bridge.cli.mapping_samples import Samples
from gong_bridge.config.schema import CompanyOptions
from gong_bridge.mapping.engine import Mapping
from gong_bridge.mapping.guessing import ROLES, Field, Shape
from gong_bridge.mapping.lint import lint
from gong_bridge.mapping.new_case import NewCase, make_case
from gong_bridge.mapping.people import agents_line
from gong_bridge.mapping.planning import Unexplained
from gong_bridge.mapping.writing import Choices, SidecarPlan, epochs_of
from gong_bridge.readable import printable

ROLE_STYLES = {
    "start": "green", "date": "green", "clock": "green", "agent": "cyan", "customer": "magenta", "caller": "magenta",
    "called": "magenta", "direction": "yellow", "id": "blue", "name": "magenta", "ignore": "dim",
}  # fmt: skip
_MOST_TRIED = 200
_MOST_SHAPES = 6


def show_fields(shapes: Sequence[Shape]) -> None:
    """One table for each shape: number, examples, guess."""
    for number, shape in enumerate(shapes[:_MOST_SHAPES], start=1):
        line = Text(f"Shape {number}: " if len(shapes) > 1 else "", style="bold")
        fields = iter(shape.fields)
        for part in shape.parts:
            if isinstance(part, str):
                line.append(printable(part), style="dim")
            else:
                field = next(fields)
                line.append(printable(field.values[0]) or "·", style=ROLE_STYLES[field.role])
        count = len(shape.stems)
        line.append(f"   ({count} name{'' if count == 1 else 's'})", style="dim")
        out.print(line, soft_wrap=True)
        out.print(_fields_table(shape, number if len(shapes) > 1 else None))
        out.print()
    if len(shapes) > _MOST_SHAPES:
        out.print(Text(f"and {len(shapes) - _MOST_SHAPES} more shapes", style="dim"))


def _fields_table(shape: Shape, number: int | None) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("field", justify="right", no_wrap=True)
    table.add_column("for example", overflow="fold", max_width=34)
    table.add_column("guess", no_wrap=True)
    table.add_column("that is", overflow="fold")
    for index, field in enumerate(shape.fields, start=1):
        label = f"{number}.{index}" if number is not None else str(index)
        table.add_row(label, _examples(field), Text(field.role, style=ROLE_STYLES[field.role]), _meaning(field))
    return table


def _examples(field: Field) -> str:
    texts = [printable(value) or "(empty)" for value in dict.fromkeys(field.values[:40])]
    shown = ", ".join(texts[:3])
    return shown if len(texts) <= 3 and len(shown) <= 68 else shown[:66] + " …"


def _meaning(field: Field) -> Text:
    text = Text(ROLES[field.role])
    if field.kind.startswith(("%", "epoch")) and field.role in ("start", "date", "clock"):
        text.append(f", as {field.kind}", style="dim")
    return text if field.sure else text.append("  not sure", style="yellow")


def show_sidecar(sidecar: SidecarPlan) -> None:
    """Which keys of the sidecar are taken for what."""
    rule, ending = next(iter(sidecar.find.items()))
    out.print(Text(f"Beside it lies a sidecar ({sidecar.format}, {rule.replace('_', ' ')} {ending}):", style="bold"))
    table = Table(box=None, show_header=False, pad_edge=False)
    for role, (path, form) in sidecar.paths.items():
        shown = f"{path} ({form})" if role == "start" else path
        table.add_row(Text(role, style=ROLE_STYLES[role]), printable(shown), Text(ROLES[role], style="dim"))
    out.print(table)
    out.print()


def show_result(
    mapping: Mapping,
    target: Path,
    read: Samples,
    company: CompanyOptions,
    case: Path | None,
    unexplained: Sequence[Unexplained],
    choices: Choices,
) -> bool:
    """The file, what becomes of the samples, what to do next; True when every sample becomes a call or is skipped."""
    out.print(Text.assemble(("Written: ", "bold"), printable(str(target))), soft_wrap=True)
    if case is not None:
        out.print(Text.assemble(("Golden case: ", "bold"), printable(str(case))), soft_wrap=True)
    for finding in lint(target):
        out.print(Text(f"{finding.level} {finding}", style="yellow"), soft_wrap=True)
    now = clock.now().replace(microsecond=0)
    tried = [
        (key, make_case(mapping, key, now=now, company=company, files=read.root)) for key in read.keys[:_MOST_TRIED]
    ]
    out.print()
    out.print(_samples_table(tried))
    held = [made for _, made in tried if not made.becomes_a_call and "skipped" not in made.expected]
    skipped = sum("skipped" in made.expected for _, made in tried)
    fit = len(tried) - len(held) - skipped
    words = f"{fit} of {len(tried)} samples become calls" + (f", {skipped} skipped" if skipped else "")
    out.print(Text(words, style="green" if not held else "yellow"))
    _reasons(tried)
    for one in list(unexplained)[:5]:
        out.print(Text(f"not explained: {printable(one.sample)}: {one.why}", style="yellow"), soft_wrap=True)
    _next_steps(mapping.name, tried, choices)
    return not held and not unexplained


def _samples_table(tried: Sequence[tuple[str, NewCase]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("recording", overflow="fold")
    table.add_column("start", no_wrap=True)
    table.add_column("direction", no_wrap=True)
    table.add_column("agent", overflow="fold")
    table.add_column("other side", overflow="fold")
    for key, made in tried[:8]:
        name = printable(key.rpartition("/")[2])
        if not made.becomes_a_call:
            table.add_row(name, "", Text(next(iter(made.expected)), style="yellow"), "", "")
            continue
        parties = made.expected["parties"]
        other: dict[str, str] = next((one for one in parties if not one.get("userId")), {})
        agent = made.facts.get("agent_value") or parties[0].get("emailAddress", "")
        table.add_row(
            name, made.expected["actualStart"].replace("T", " "), made.expected["direction"], printable(str(agent)),
            printable(other.get("phoneNumber") or other.get("name") or ""),
        )  # fmt: skip
    return table


def _reasons(tried: Sequence[tuple[str, NewCase]]) -> None:
    """Why samples are held or skipped, each reason once."""
    found: dict[tuple[str, str], list[str]] = {}
    for key, made in tried:
        if not made.becomes_a_call:
            verdict, reason = next(iter(made.expected.items()))
            found.setdefault((str(verdict), str(reason)), []).append(key)
    for (verdict, reason), keys in list(found.items())[:8]:
        name = printable(keys[0].rpartition("/")[2])
        out.print(Text.assemble((f"{len(keys)} {verdict}: ", "yellow"), printable(reason), (f" ({name})", "dim")))


def _next_steps(name: str, tried: Sequence[tuple[str, NewCase]], choices: Choices) -> None:
    lines: Counter[str] = Counter()
    for _, made in tried:
        for agent in made.case["agents"]:
            kind, value = next((kind, value) for kind, value in agent.items() if kind != "email")
            lines[agents_line(kind, value) or ""] += 1
    out.print()
    out.print(Text("Next:", style="bold"))
    zone = "" if choices.zone or not _is_local(choices) else ", and time_zone: where the recorder stands"
    steps = [f"bridge.yaml: give the source `mapping: {name}`{zone}"]
    if lines:
        steps.append("agents.csv: lines such as " + "; ".join(line for line, _ in lines.most_common(3)))
    steps += [f"gong-bridge mapping try FOLDER --mapping {name}   what becomes of real recordings",
              "gong-bridge mapping test   runs the golden case; make more: mapping test --record FILE"]  # fmt: skip
    for number, step in enumerate(steps, start=1):
        out.print(Padding(Text(f"{number}. {step}"), (0, 0, 0, 2)))


def _is_local(choices: Choices) -> bool:
    starts = [one.kind for one in (*choices.fields("start"), *choices.fields("date"))]
    epoch = all(epochs_of(shape) for shape in choices.shapes)
    return not epoch and any(kind.startswith("%") and "%z" not in kind for kind in starts)
