"""Looks whether bridge.yaml's folders, files and mappings are there and usable; reads, never writes.

It works on the plain data, not on Config: what is missing on disk is told together with what is wrong in the file.
Values of a wrong type are left to the schema.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from gong_bridge.config.accounts import DEFAULT_ACCOUNT, account_is_unknown, wrong_account_name
from gong_bridge.config.places import place_is_missing
from gong_bridge.config.schema import LedgerOptions
from gong_bridge.errors import ConfigError
from gong_bridge.strict_yaml import Document

Loc = tuple[str | int, ...]

_POSTGRESQL = re.compile(r"postgresql(\+psycopg)?://")
_PASSWORD_IN_URL = re.compile(r"[a-z+]+://[^/@\s]*:[^/@\s]+@|[?&]password=", re.IGNORECASE)


def beneath(folder: Path, path: str | Path) -> Path:
    """`path` taken from `folder`, `~` expanded. Raises ValueError for an unknown user's home."""
    try:
        return folder / Path(path).expanduser()
    except RuntimeError:
        raise ValueError("the home folder behind ~ is not known; write the whole path") from None


def sqlite_path(url: str) -> str | None:
    """The file that an SQLite URL names ("" for none), None for other ledgers."""
    return url.removeprefix("sqlite:///").removeprefix("sqlite://") if url.startswith("sqlite:") else None


@runtime_checkable
class HasOptions(Protocol):
    """What `read_mapping` may give: a mapping that knows its options."""

    def wrong_options(self, given: Mapping[str, Any]) -> Mapping[str, str]:
        """Name -> what is wrong with an option and the cure."""


@runtime_checkable
class NeedsPlaces(Protocol):
    """What `read_mapping` may give: a mapping that knows in which other places it finds sidecars."""

    places_needed: frozenset[str]


class Look:
    """One look at everything that a bridge.yaml names; collects problems and warnings."""

    def __init__(self, *, document: Document, folder: Path) -> None:
        self._document = document
        self._folder = folder
        self._problems: dict[str, None] = {}
        self.warnings: list[str] = []

    def problems(self) -> list[str]:
        """Every mistake found so far, once each."""
        return list(self._problems)

    # --- rules of the file that need no disk ------------------------------------------------------------------------

    def at_rules(self, name_is_taken: Callable[[str], str]) -> None:
        """Names and queues used twice, ledgers of unknown kinds."""
        names: set[str] = set()
        queues: set[object] = set()
        for loc, source in self._sources():
            name = source.get("name")
            if isinstance(name, str) and name in names:
                self._wrong((*loc, "name"), name_is_taken(name))
            names.add(str(name))
            queue = source.get("events")
            if isinstance(queue, str) and queue in queues:
                what = "another source reads this queue, and each message reaches one of the two; give each its own"
                self._wrong((*loc, "events"), what)
            queues.add(queue)
            for part_loc, part in ((loc, source), *_places(loc, source)):
                if _has_password(part.get("endpoint_url")):
                    self._wrong((*part_loc, "endpoint_url"), "keys do not belong in the address; name them by profile:")
        self._accounts()
        self._ledger_url()

    def _accounts(self) -> None:
        """Accounts that no source names, or that are not there; two that look like one."""
        found = self._document.data.get("accounts")
        accounts: dict[str, Any] = found if isinstance(found, dict) else {}
        if not accounts and "accounts" in self._document.data:
            return  # the schema says what is wrong with it
        used = set()
        for loc, source in self._sources():
            account = source.get("account")
            if isinstance(account, str) and account not in (*accounts, DEFAULT_ACCOUNT):
                self._wrong((*loc, "account"), account_is_unknown(account, accounts))
            used.add(account)
        urls: dict[object, str] = {self._text(("gong", "base_url")): DEFAULT_ACCOUNT}
        for name, options in accounts.items():
            if wrong_account_name(str(name)):
                self._wrong(("accounts", name), wrong_account_name(str(name)))
            elif name not in used:
                what = f"no source names this account; write `account: {name}` into a source, or remove it"
                self.warnings.append(self._document.problem(("accounts", name), what))
            url = options.get("base_url") if isinstance(options, dict) else None
            if isinstance(url, str) and url in urls:
                what = (
                    f"{urls[url]} has the same address, and Gong counts the calls of a whole company: if they are one, "
                    "leave room for each other with limits.reserve"
                )
                self.warnings.append(self._document.problem(("accounts", name, "base_url"), what))
            urls.setdefault(url, name)

    def _ledger_url(self) -> None:
        loc = ("ledger", "url")
        url = self._text(loc)
        if url is None:
            return
        if not url.startswith("sqlite:") and not _POSTGRESQL.match(url):
            cure = "write postgresql://" if url.startswith("postgres:") else "write sqlite:////path or postgresql://..."
            self._wrong(loc, f"this kind of ledger is not known; {cure}")
        elif _has_password(url):
            self._wrong(
                loc, "a password does not belong in the address; write ledger.password: env:NAME, or use ~/.pgpass"
            )
        elif url.startswith("sqlite:") and (
            not url.startswith("sqlite:///") or sqlite_path(url) in ("", "/", ":memory:") or "?" in url
        ):
            self._wrong(loc, "the ledger must be a file; write sqlite:////var/lib/gong-bridge/ledger.db (four slashes)")

    # --- disk -------------------------------------------------------------------------------------------------------

    def at_folders(self) -> None:
        """Folders of sources, ledger, conversions and mappings: there, readable, writable where they must be."""
        seen: list[tuple[Path, Loc]] = []
        for loc, source in self._sources():
            for place_loc, _ in _places(loc, source):
                place = self._path((*place_loc, "folder"))
                if place is not None:
                    self._folder_at((*place_loc, "folder"), place)
            path = self._path((*loc, "folder")) if "bucket" not in source else None
            if path is None:
                continue
            after = source.get("after_upload")
            why = "after_upload changes it" if after == "delete" or isinstance(after, dict) else ""
            self._folder_at((*loc, "folder"), path, writable_because=why)
            self._nested((*loc, "folder"), path, seen)
            if isinstance(after, dict):
                self._move_to((*loc, "after_upload", "move_to"), path)
        for key, why in ((("mappings",), ""), (("media", "conversion_folder"), "converted recordings lie there")):
            path = self._path(key)
            if path is not None:
                self._folder_at(key, path, writable_because=why)
        self._ledger_file()

    def at_agents(self, read_agents: Callable[[Path], object] | None) -> None:
        """The agents file: there and readable, and by `read_agents` understood."""
        path = self._path(("agents",))
        if path is None:
            return
        try:
            with path.open("rb") as file:
                file.read(1)
        except OSError as error:
            cure = "write the name of a CSV file with the columns email, extension, login, name"
            self._wrong(("agents",), f"{path} cannot be read ({error.strerror}); {cure}")
            return
        if read_agents is not None:
            self._elsewhere(read_agents, path)

    def at_mappings(
        self,
        find_mapping: Callable[[str, Path | None], Path],
        read_mapping: Callable[[Path], object] | None,
        *,
        of_sources: Collection[str] | None = None,
    ) -> None:
        """The mapping of every source (or of these): known by name, and by `read_mapping` understood."""
        folder = self._path(("mappings",))
        if folder is not None and not os.path.isdir(folder):
            folder = None
        for loc, source in self._sources():
            name = source.get("mapping")
            if not isinstance(name, str) or (of_sources is not None and source.get("name") not in of_sources):
                continue
            try:
                path = find_mapping(name, folder)
            except ConfigError as error:
                for problem in error.problems:
                    self._wrong((*loc, "mapping"), problem)
                continue
            if read_mapping is not None:
                mapping = self._elsewhere(read_mapping, path)
                self._options(loc, source, mapping)
                places = [str(place) for place in _mapping(source.get("sidecars"))]
                needed = mapping.places_needed if isinstance(mapping, NeedsPlaces) else frozenset()
                for missing in sorted(needed - set(places)):
                    self._wrong((*loc, "mapping"), place_is_missing(name, missing, places))

    def _options(self, loc: Loc, source: dict[str, Any], mapping: object) -> None:
        """Options that the mapping does not know, or not as this kind of value."""
        given = source.get("options")
        if isinstance(mapping, HasOptions) and isinstance(given, dict):
            for name, what in mapping.wrong_options(given).items():
                self._wrong((*loc, "options", name), what)

    def _folder_at(self, loc: Loc, path: Path, *, writable_because: str = "") -> None:
        trouble = _folder_trouble(path, writable_because)
        if trouble:
            self._wrong(loc, trouble)

    def _nested(self, loc: Loc, path: Path, seen: list[tuple[Path, Loc]]) -> None:
        real = Path(os.path.realpath(path))
        for other, other_loc in seen:
            if real == other or other in real.parents or real in other.parents:
                line, _ = self._document.line_and_column(other_loc)
                what = f"this folder and the one in line {line} contain each other"
                cure = "recordings are found by both sources unless include and exclude keep them apart"
                self.warnings.append(self._document.problem(loc, f"{what}; {cure}"))
        seen.append((real, loc))

    def _move_to(self, loc: Loc, source_folder: Path) -> None:
        path = self._path(loc)
        if path is None:
            return
        if os.path.realpath(path) == os.path.realpath(source_folder):
            self._wrong(loc, "recordings would be moved onto themselves; name another folder")
            return
        self._folder_at(loc, path, writable_because="recordings are moved there")

    def _ledger_file(self) -> None:
        """The folder of an SQLite ledger must be there already: a mistyped path would start a second, empty ledger."""
        loc = ("ledger", "url")
        url = LedgerOptions().url if self._ledger_by_default() else self._text(loc)
        name = sqlite_path(url) if url is not None else None
        if not name or name == ":memory:":
            return
        path = self._resolved(loc, name)
        if path is None:
            return
        if os.path.isdir(path):
            self._wrong(loc, f"{path} is a folder; add the file's name, such as {path / 'ledger.db'}")
        elif os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK):
            self._wrong(loc, f"{path} is not writable for this user; {_permission_cure(path)}")
        elif trouble := _folder_trouble(path.parent, "the ledger lies there"):
            default = "; ledger: {url: sqlite:////path/ledger.db} names another place"
            self._wrong(loc, trouble + (default if self._ledger_by_default() else ""))

    def _ledger_by_default(self) -> bool:
        ledger = self._document.data.get("ledger", {})
        return isinstance(ledger, dict) and "url" not in ledger

    # --- reading the data -------------------------------------------------------------------------------------------

    def _sources(self) -> Iterator[tuple[Loc, dict[str, Any]]]:
        sources = self._document.data.get("sources")
        for position, source in enumerate(sources if isinstance(sources, list) else ()):
            if isinstance(source, dict):
                yield ("sources", position), source

    def _text(self, loc: Loc) -> str | None:
        value: Any = self._document.data
        for part in loc:
            if isinstance(part, int):
                value = value[part]
            else:
                value = value.get(part) if isinstance(value, dict) else None
        return value if isinstance(value, str) else None

    def _path(self, loc: Loc) -> Path | None:
        text = self._text(loc)
        return None if text is None else self._resolved(loc, text)

    def _resolved(self, loc: Loc, text: str) -> Path | None:
        if not text.strip():
            self._wrong(loc, "the path is empty; write one, or remove the key")
            return None
        try:
            return beneath(self._folder, text)
        except ValueError as error:
            self._wrong(loc, str(error))
            return None

    def _wrong(self, loc: Loc, what: str) -> None:
        self._problems[self._document.problem(loc, what)] = None

    def _elsewhere(self, read: Callable[[Path], object], path: Path) -> object:
        """What `read` gives, None when it cannot; mistakes inside another file name their own place."""
        try:
            return read(path)
        except ConfigError as error:
            self._problems.update(dict.fromkeys(error.problems))
            return None


def _mapping(value: object) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _places(loc: Loc, source: dict[str, Any]) -> Iterator[tuple[Loc, dict[str, Any]]]:
    for name, place in _mapping(source.get("sidecars")).items():
        if isinstance(name, str) and isinstance(place, dict):
            yield (*loc, "sidecars", name), place


def _folder_trouble(path: Path, writable_because: str) -> str | None:
    """What is wrong with a folder that must be there, with its cure; None when nothing is."""
    if not os.path.exists(path):
        return f"folder {path} does not exist; create it, or mount it, or correct the path"
    if not os.path.isdir(path):
        return f"{path} is a file, not a folder; write the folder it lies in"
    if not os.access(path, os.R_OK | os.X_OK):
        return f"folder {path} is not readable for this user; {_permission_cure(path)}"
    if writable_because and not os.access(path, os.W_OK):
        return f"folder {path} is not writable for this user, but {writable_because}; {_permission_cure(path)}"
    return None


def _permission_cure(path: Path) -> str:
    return f"give the service's user access to it (ls -ld {path} shows who has)"


def _has_password(url: object) -> bool:
    return isinstance(url, str) and _PASSWORD_IN_URL.search(url) is not None
