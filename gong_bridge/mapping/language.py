"""What a mapping file may say: every key, its type, its default. What stands in the values is checked by loading.py."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator, model_validator

from gong_bridge.call_draft import CallDraft
from gong_bridge.config.units import Duration, Size
from gong_bridge.mapping.extending import Part
from gong_bridge.mapping.table_rows import check_encoding

Scalar = str | int | float | bool
"""A constant, or text with {{ expressions }}."""

LEFT_TO_THE_BRIDGE = ("downloadMediaUrl",)
"""Fields of POST /v2/calls that a mapping cannot set: the bridge delivers the media itself."""


MERGED = "merged"
"""In `pick`: both sides, merged."""


class _Language(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class _Template(BaseModel):
    # Without use_attribute_docstrings: for classes made at run time pydantic searches the source, 0.3 s at each start.
    model_config = ConfigDict(extra="forbid", frozen=True)


class NamePattern(_Language):
    """One way to read a name: a regular expression with named groups; each group becomes a fact."""

    name: str | None = None
    """Searched in the file's name, such as out-5550100-201-....wav"""
    stem: str | None = None
    """Searched in the file's name without its extension."""
    key: str | None = None
    """Searched in the whole path below the source's folder, or the object key."""
    set: dict[str, Scalar] = {}
    """Facts that hold when this pattern is the one that matches."""

    @model_validator(mode="after")
    def _check_one(self) -> NamePattern:
        if sum(text is not None for text in (self.name, self.stem, self.key)) != 1:
            raise ValueError("a pattern is written under exactly one of name, stem and key")
        return self


class FindRule(_Language):
    """One place where a sidecar may lie."""

    replace_extension: str | None = None
    """x.wav -> x + this text, such as .json"""
    append: str | None = None
    """x.wav -> x.wav + this text, such as _metadata.json"""
    beside: str | None = None
    """Another name in the same folder; a template that ends with the literal end of the name, such as .json"""
    key: str | None = None
    """A path below the source's folder, or an object key; a template that ends literally."""
    in_: str | None = Field(default=None, alias="in")
    """Look in this place instead, which the source names under `sidecars` in bridge.yaml."""

    @model_validator(mode="after")
    def _check_one(self) -> FindRule:
        if sum(text is not None for text in (self.replace_extension, self.append, self.beside, self.key)) != 1:
            raise ValueError("a place is written as exactly one of replace_extension, append, beside and key")
        return self


class JoinRule(_Language):
    """One way to find the rows of a recording."""

    where: Annotated[dict[str, Scalar], Field(min_length=1)]
    """Columns and the values that they have; a column may be followed by filters, such as location | file_name."""
    only: Scalar = True
    """A condition on each row found this way, such as {{ row.dst == dest }}."""


class TableRule(_Language):
    """A file of many rows that describes many recordings and may still grow."""

    columns: tuple[str, ...] = ()
    """CSV without a heading line: the names of its columns."""
    optional: tuple[str, ...] = ()
    """Those of the last columns that some rows or some recorders leave out."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """What separates cells; without it the one of , ; tab | that the first line has most of."""
    quote: str = Field(default='"', max_length=1)
    """What encloses cells that hold the delimiter; '' when nothing does."""
    encoding: str = "utf-8"
    """How letters are written: utf-8, cp1252, latin-1 ..."""
    join: Annotated[tuple[JoinRule, ...], Field(max_length=4)] = ()
    """How rows and recordings belong together; tried in order, the first that finds a row decides. Without it every row
    of the file belongs to the recording: for a file beside each recording."""
    only: Scalar = True
    """A condition on each row, such as {{ row.disposition == 'ANSWERED' }}."""
    order: Scalar | None = None
    """Rows with the smallest value come first; without it they are in the order of the file."""
    choose: Literal["one", "first", "last"] = "one"
    """Which of several rows `sidecar` is; one: several rows hold the recording."""

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, value: str) -> str:
        return check_encoding(value)

    @model_validator(mode="after")
    def _check_columns(self) -> TableRule:
        if self.columns and self.optional and self.columns[-len(self.optional) :] != self.optional:
            raise ValueError("`optional` names the last of `columns`, in the same order")
        return self


class SidecarRule(_Language):
    """The file that describes a recording."""

    format: Literal["json", "xml", "csv", "jsonl"]
    """How the sidecar is written."""
    find: Annotated[tuple[FindRule, ...], Field(min_length=1, max_length=8)]
    """Where it may lie; the first that is there is read."""
    needed_when: Scalar = True
    """A condition; when false the recording does not wait for its sidecar."""
    wait: Duration = 120.0
    """How long a recording waits for its sidecar, counted from its last change; a source's sidecar_wait wins."""
    when_missing: Literal["hold", "degrade", "skip"] = "hold"
    """When a needed sidecar has not come in time: ask a person, send the call with what else is known, or skip it."""
    largest: Size = 4 * 2**20
    """Larger sidecars are held."""
    where: dict[str, Scalar] = {}
    """CSV only: the row is the one whose columns equal these values; without it, the first row."""
    table: TableRule | None = None
    """CSV and JSON lines: the file describes many recordings, may be large and may still grow."""

    @model_validator(mode="after")
    def _check_table(self) -> SidecarRule:
        if self.table is not None and self.format not in ("csv", "jsonl"):
            raise ValueError("a table is written as csv or jsonl")
        if self.table is None and self.format == "jsonl":
            raise ValueError("jsonl is a table: say under `table` how its rows are found")
        if self.table is not None and self.where:
            raise ValueError("`where` of a table stands under table.join")
        return self


class Rule(_Language):
    """A condition and what it means."""

    when: Scalar
    """A condition such as {{ kind == 'ivr' }}; the braces may be left out."""
    because: str
    """The reason that people read."""


class InternalCalls(_Language):
    """Calls between two people of the company, for which Gong has no direction."""

    when: Scalar
    """The condition that tells an internal call."""
    policy: Literal["skip", "Conference", "Unknown"]
    """skip the recording, or send it with this direction."""


class ShareRule(_Language):
    """Somebody to share calls with, or several."""

    who: Scalar
    """E-mail address, extension, login or Gong user id, or a list of them; empty: nobody."""
    when: Scalar = True
    """A condition; when false the call is not shared with them."""
    each: str | None = None
    """A list; the call is shared with `who` of each `item` of it."""


class MergeRule(_Language):
    """Which file of a call becomes which channel."""

    left: Scalar
    """The part that becomes channel 0."""
    right: Scalar
    """The part that becomes channel 1."""


class GroupRule(_Language):
    """One call in several files."""

    call: Scalar
    """What binds the files: the same value in the same source is the same call. Empty: a call of its own."""
    part: Scalar = ""
    """What this file is among them, such as in, out, mix or 2."""
    starts_at: Scalar | None = None
    """When this file starts; needed by join and separate."""
    window: Duration = 120.0
    """How long after the newest file the others are waited for."""
    policy: Literal["merge", "pick", "separate", "join"]
    """Two sides into one stereo recording; one of several; each a call of its own; segments one after another."""
    merge: MergeRule | None = None
    """The two sides."""
    pick: tuple[str, ...] = ()
    """Parts, the best first: the first that is there is sent, the others are duplicates of it. merged: both sides."""
    gaps: Literal["keep", "close"] = "keep"
    """For join: keep the time between segments as silence, or leave it out."""
    when_incomplete: Literal["hold", "send"] = "hold"
    """What to do when the window is over and a side, or every picked part, is missing."""
    when_late: Literal["hold", "skip", "send"] = "hold"
    """What to do with a file that comes when its call was sent without it."""

    @model_validator(mode="after")
    def _check_policy(self) -> GroupRule:
        merges = self.policy == "merge" or MERGED in self.pick
        if merges and self.merge is None:
            raise ValueError("merging needs to know the sides: merge: {left: in, right: out}")
        if self.policy in ("merge", "pick") and self.part == "":
            raise ValueError("part says which file this is; merge and pick cannot do without")
        if self.policy == "pick" and not self.pick:
            raise ValueError("pick: [mix, in, out] says which file is the best")
        if self.policy in ("join", "separate") and self.starts_at is None:
            raise ValueError(f"{self.policy} puts the files in order: starts_at must say when each of them starts")
        return self


def _template_of(model: type[BaseModel], **extra: Any) -> type[BaseModel]:
    """The mapping's counterpart of a Gong object: the same fields, each a template, a constant or nested fields."""
    fields: dict[str, Any] = dict(extra)
    for name, info in model.model_fields.items():
        alias = info.alias or name
        if alias in LEFT_TO_THE_BRIDGE:
            continue
        fields[alias] = (_value_of(info.annotation) | None, Field(default=None, description=info.description))
    return create_model(f"{model.__name__}Template", __base__=_Template, __doc__=model.__doc__, **fields)


def _value_of(annotation: Any) -> Any:
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    for kind in kinds:
        if get_origin(kind) is list:
            inner = get_args(kind)[0]
            return list[_item_of(inner) if _is_model(inner) else _value_of(inner)] | str  # type: ignore[misc]
        if _is_model(kind):
            return _template_of(kind)
    return Scalar


def _item_of(model: type[BaseModel]) -> type[BaseModel]:
    """An object in a list may be there only in some calls, or once for each item of a list of the sidecar."""
    when = (Scalar, Field(default=True, description="A condition; when false this is left out."))
    each = (str | None, Field(default=None, description="A list; there is one of these for each `item` of it."))
    return _template_of(model, when=when, each=each)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


if TYPE_CHECKING:
    CallTemplate = BaseModel
else:
    CallTemplate = _template_of(CallDraft)


class MappingFile(_Language):
    """mappings/NAME.yaml: how the facts of one recorder become calls in Gong."""

    about: str
    """One sentence: which recorder this is for."""
    extends: str | None = None
    """Another mapping, yours or a shipped one, of which this file changes details."""
    replace: tuple[Part, ...] = ()
    """Keys that stand in place of those of the extended mapping instead of being joined with them."""
    options: dict[str, Scalar] = {}
    """Values that a source may set under its own `options`, with their defaults."""
    match: tuple[NamePattern, ...] = ()
    """Patterns, tried in order; the first that matches gives its named groups as facts."""
    when_no_match: Literal["hold", "skip"] = "hold"
    """What to do with a recording whose name no pattern matches."""
    placeholders: tuple[str, ...] = ()
    """Words that mean nothing in this recorder's names, such as unknown or anonymous, in any case."""
    tables: dict[str, dict[str, Scalar]] = {}
    """Tables for the filter lookup."""
    sidecar: SidecarRule | None = None
    """The file beside a recording that describes it."""
    group_by: GroupRule | None = None
    """How several files become one call."""
    let: dict[str, Any] = {}
    """Names for values that are used more than once; each may use those above it."""
    skip_when: tuple[Rule, ...] = ()
    """Recordings that are no calls for Gong."""
    hold_when: tuple[Rule, ...] = ()
    """Recordings that a person must look at."""
    warn_when: tuple[Rule, ...] = ()
    """Things worth a remark in `explain` and the ledger; the recording is sent."""
    internal_calls: InternalCalls | None = None
    """What to do with calls between two people of the company."""
    share_with: tuple[Scalar | ShareRule, ...] | str = ()
    """Gong users who are given access to the call once Gong has its media, besides those who have it anyway."""
    body: str | None = None
    """A template that gives a whole body of POST /v2/calls; the fields under `call` come on top."""
    call: CallTemplate
    """The fields of POST /v2/calls. A field whose value is empty is left out."""


def mapping_schema() -> dict[str, Any]:
    """The JSON Schema of mapping files, for editors."""
    schema = MappingFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "gong-bridge mapping", **schema}
