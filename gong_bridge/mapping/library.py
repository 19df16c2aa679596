"""Finds mapping files by name: the user's own folder first, then the shipped ones."""

from __future__ import annotations

from pathlib import Path

from gong_bridge.errors import ConfigError
from gong_bridge.mapping.words import nearest

SUFFIXES = (".yaml", ".yml")


def shipped_folder() -> Path:
    """Where the shipped mappings lie: in the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "shipped_mappings"
    return installed if installed.is_dir() else package.parent / "mappings"


def shipped_cases_folder() -> Path:
    """Where the golden cases of the shipped mappings lie: in the package when installed, else in the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "shipped_cases"
    return installed if installed.is_dir() else package.parent / "tests" / "mappings"


def mapping_files(folder: Path | None) -> dict[str, Path]:
    """Every mapping that can be used, by name; the user's own wins over a shipped one of the same name.

    Raises ConfigError when `folder` is named but cannot be read.
    """
    found = _files_in(shipped_folder())
    if folder is not None:
        if not folder.is_dir():
            raise ConfigError(f"the folder of mappings {folder} is not there; create it, or correct `mappings`")
        found.update(_files_in(folder))
    return dict(sorted(found.items()))


def find_mapping(name: str, folder: Path | None) -> Path:
    """The file of the mapping `name`. Raises ConfigError that names the nearest ones."""
    files = mapping_files(folder)
    if name in files:
        return files[name]
    near = nearest(name.removesuffix(".yaml").removesuffix(".yml"), files)
    others = "`gong-bridge mapping list` shows those that are there, `gong-bridge mapping new` writes one"
    cure = f"did you mean {near!r}?" if near else others
    where = f" in {folder} or" if folder is not None else ""
    raise ConfigError(f"there is no mapping {name!r}{where} among the shipped ones; {cure}")


def _files_in(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES and path.is_file()}
