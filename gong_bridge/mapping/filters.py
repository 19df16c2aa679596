"""The filters that know the company and its people, and the table of all filters as Jinja2 calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context

from gong_bridge.config.schema import check_zone
from gong_bridge.mapping.people import Company, People
from gong_bridge.mapping.phones import e164, is_dialled, is_withheld, same_number, user_part
from gong_bridge.mapping.plain_filters import PLAIN, is_empty, moment_of
from gong_bridge.mapping.templates import Expressions, Missing, NotUsable, text_of
from gong_bridge.mapping.times import as_written, read_time
from gong_bridge.mapping.zone_proof import zone_remark

_NOT_GIVEN: Any = object()


@dataclass(frozen=True, kw_only=True, slots=True)
class Here:
    """What filters know besides their arguments."""

    company: Company
    people: People
    tables: Mapping[str, Mapping[str, Any]]
    placeholders: frozenset[str] = frozenset()
    started_by_file: datetime | None = None
    """The file's last change less the recording's length."""
    remarks: list[str] = field(default_factory=list)
    """What filters noticed while they computed; the composition takes them over as warnings."""

    def means_nothing(self, text: str) -> bool:
        """Is the text, or the user part of the address in it, one of the placeholders?"""
        return bool({text.strip().casefold(), user_part(text).casefold()} & self.placeholders)

    def zone(self, name: str | None) -> ZoneInfo:
        """The zone of that name, or the source's."""
        return ZoneInfo(check_zone(name)) if name else self.company.time_zone


def meaningful(here: Here, value: Any) -> Any:
    """The value, or nothing when it is one of the mapping's placeholders (in any case, also inside a SIP address)."""
    return None if isinstance(value, str) and here.means_nothing(value) else value


def lookup(here: Here, value: Any, table: str, otherwise: Any = _NOT_GIVEN) -> Any:
    """The row of a table declared under `tables`; without `otherwise` a value that is not there is an error."""
    rows = here.tables[table]
    key = text_of(value)
    if key in rows:
        return rows[key]
    if otherwise is _NOT_GIVEN:
        raise NotUsable(f"table {table!r} has no row {key[:40]!r}; add it to the mapping, or give lookup an otherwise")
    return otherwise


# --- times -----------------------------------------------------------------------------------------------------------


def time(
    here: Here, value: Any, *formats: str, zone: str | None = None, ambiguous: str = "hold", proof: Any = None
) -> datetime | None:
    """A moment, by the first format that fits: strptime formats or a word such as iso, epoch, rfc2822.

    proof: the same moment known without a zone. It is what comes back; the value only shows whether the zone is right.
    """
    if is_empty(value):
        return None if is_empty(proof) else moment_of(proof)
    if is_empty(proof):
        return read_time(value, formats, here.zone(zone), ambiguous, here.started_by_file)
    moment = moment_of(proof)
    remark = zone_remark(as_written(value, formats), moment, here.zone(zone))
    if remark is not None and remark not in here.remarks:
        here.remarks.append(remark)
    return moment


def write_time(here: Here, value: Any, form: str = "%Y-%m-%d %H:%M", zone: str | None = None) -> str:
    """A moment as text by a strftime format, in `zone` or the source's zone."""
    return moment_of(value).astimezone(here.zone(zone)).strftime(form)


# --- people and numbers ----------------------------------------------------------------------------------------------


def phone(here: Here, value: Any, otherwise: str = "as_is", country: str | None = None) -> str | None:
    """The number as E.164; else it stays `as_is`, stays only `if_dialled` (digits, no name), or becomes `empty`.

    An extension behind the number (x 204) is left off. Placeholders of the mapping and withheld addresses are nothing.
    """
    if is_empty(value):
        return None
    text = text_of(value).strip()
    text = unquote(text) if "%" in text else text  # telephone apps write %2B1202... for +1202...
    if here.means_nothing(text) or is_withheld(text):
        return None
    stays = otherwise == "as_is" or (otherwise == "if_dialled" and is_dialled(text))
    found = e164(text, country or here.company.country, drop_extension=True)
    return found or (text if stays else None)


def is_phone(here: Here, value: Any) -> bool:
    """Can the value be dialled from the company's country?"""
    return not is_empty(value) and e164(text_of(value), here.company.country) is not None


def is_extension(here: Here, value: Any) -> bool:
    """Does the whole value match company.extensions?"""
    return not is_empty(value) and here.company.has_extension(text_of(value))


def is_own_number(here: Here, value: Any) -> bool:
    """Is the value one of company.numbers, however either is written?"""
    if is_empty(value):
        return False
    text = text_of(value)
    return any(text == own or same_number(text, own, here.company.country) for own in here.company.numbers)


def agent(here: Here, value: Any, *kinds: str, otherwise: str = "hold") -> dict[str, str] | None:
    """The Gong user behind an id, email, extension, login, name or phone, in the order of `kinds`."""
    if is_empty(value):
        return None
    text = text_of(value)
    person = here.people.require(text, kinds) if otherwise == "hold" else here.people.find(text, kinds)
    if person is None:
        return None
    user = person.user
    return {
        "user_id": user.id,
        "email": user.email,
        "name": user.name,
        "extension": person.extension,
        "phone_number": user.phone_number,
    }


KNOWING: dict[str, Callable[..., Any]] = {
    "meaningful": meaningful, "lookup": lookup, "time": time, "write_time": write_time, "phone": phone,
    "is_phone": is_phone, "is_extension": is_extension, "is_own_number": is_own_number, "agent": agent,
}  # fmt: skip
"""Filters whose first argument is Here."""
_TAKE_MISSING = frozenset({"default", "is_phone", "is_extension", "is_own_number", "as_list", "meaningful"})


def _bound(name: str) -> Callable[..., Any]:
    plain, knowing, takes_missing = PLAIN.get(name), KNOWING.get(name), name in _TAKE_MISSING

    @pass_context
    def call(context: Context, value: Any, *arguments: Any, **named: Any) -> Any:
        if not takes_missing:
            for given in (value, *arguments, *named.values()):
                if isinstance(given, Missing):
                    given._fail_with_undefined_error()
        if plain is not None:
            return plain(value, *arguments, **named)
        assert knowing is not None
        return knowing(context.parent["_here"], value, *arguments, **named)

    return call


EXPRESSIONS = Expressions({name: _bound(name) for name in (*PLAIN, *KNOWING)}, {"empty": is_empty})
"""The language of templates: `_here` is handed to the filters that need it, missing values raise in use."""
