"""Where packs are: built in, with installed packages, the user's, the project's, and given ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from platformdirs import user_config_path

from expert.knowledge.reader import KnowledgeError, Place, Problem
from expert.language import Text

BUILT_IN = Path(__file__).resolve().parents[2] / "knowledge"
GROUP = "torchmedic.rules"
HEAD = "pack.yaml"

Origin = Literal["built-in", "package", "user", "project", "given"]


@dataclass(frozen=True, slots=True)
class PackPlace:
    """A file or folder of rules, and how it was found."""

    path: Path
    origin: Origin
    distribution: str = ""  # of an installed package
    nested: tuple[Path, ...] = ()  # folders in it that are packs of their own

    @property
    def name(self) -> str:
        """What the pack is called when it has no head."""
        return self.distribution or f"{self.path.stem or self.path} ({self.origin})"

    def files(self) -> list[Path]:
        """Return its YAML files, in order. Raises `KnowledgeError` if it is not there."""
        if self.path.is_file():
            return [self.path]
        if not self.path.is_dir():
            place = Place(str(self.path), 1, 1)
            message = Text(en="no such file or folder of rules", zh="没有这个规则文件或文件夹")
            raise KnowledgeError([Problem(place, message)])
        found = (path for path in self.path.rglob("*") if path.suffix in (".yaml", ".yml"))
        return sorted(path for path in found if not self._is_nested(path))

    def _is_nested(self, path: Path) -> bool:
        return any(path.is_relative_to(folder) for folder in self.nested)

    def holds(self, path: str) -> bool:
        """Whether the file at `path` (as shown) lies in it."""
        return Path(path).resolve().is_relative_to(self.path.resolve())


def given_packs(*paths: Path | str, built_in: bool = True) -> list[PackPlace]:
    """Return the built-in pack and those at `paths`, and look nowhere else."""
    given = [PackPlace(Path(path), "given") for path in paths]
    return [PackPlace(BUILT_IN, "built-in"), *given] if built_in else given


def find_packs(
    *paths: Path | str, on_warning: Callable[[Text], None] = lambda _: None
) -> list[PackPlace]:
    """Return all packs, each overriding those before it.

    The order: built in; those of installed packages, by entry point; the user's folder of rules;
    `.torchmedic` in the current folder; `paths`. A package whose pack cannot be found is told to
    `on_warning` and left out.
    """
    built_in, *given = given_packs(*paths)
    return [
        built_in,
        *_installed(on_warning),
        *_in_folder(user_folder(), "user"),
        *_in_folder(Path.cwd() / ".torchmedic", "project"),
        *given,
    ]


def user_folder() -> Path:
    """Return the folder of the user's own rules (`~/.config/torchmedic/rules` on Linux)."""
    return user_config_path("torchmedic", appauthor=False) / "rules"


def _in_folder(folder: Path, origin: Origin) -> Iterator[PackPlace]:
    """Yield the folders below that have a head as packs of their own, then all the rest as one."""
    if not folder.is_dir():
        return
    own = tuple(sorted(head.parent for head in folder.glob(f"*/{HEAD}")))
    yield from (PackPlace(path, origin) for path in own)
    yield PackPlace(folder, origin, nested=own)


# --------------------------------------------------------------------- installed packages
def _installed(on_warning: Callable[[Text], None]) -> Iterator[PackPlace]:
    found = sorted(entry_points(group=GROUP), key=lambda entry: (_distribution(entry), entry.name))
    for entry in found:
        folder = _folder_of(entry)
        if folder is None:
            on_warning(_not_found(entry))
        else:
            yield PackPlace(folder, "package", _distribution(entry))


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.name


def _folder_of(entry: EntryPoint) -> Path | None:
    """Return the folder that `package.sub` or `package:sub` means; nothing is imported for it."""
    top, *inner = entry.value.replace(":", ".").split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    for root in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(root).joinpath(*inner)
        if folder.is_dir():
            return folder
    return None


def _not_found(entry: EntryPoint) -> Text:
    name, what = _distribution(entry), f"{GROUP}: {entry.name} = {entry.value}"
    return Text(
        en=f"the rules of the installed package {name} are left out: there is no such folder"
        f" ({what})",
        zh=f"已安装的软件包 {name} 的规则未被采用：找不到对应的文件夹（{what}）",
    )


def shown(path: Path) -> str:
    """Return the path as a reader would write it: relative where it lies below the folder."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
