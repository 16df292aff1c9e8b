"""What installed packages add by entry points; one that cannot be loaded is told, never raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from expert.language import Text

OnWarning = Callable[[Text], None]


@dataclass(frozen=True, slots=True)
class PlugIn:
    """An object that an entry point of an installed package names."""

    distribution: str
    name: str
    value: Any

    def left_out(self, what: Text, why: Text) -> Text:
        """Return the sentence that says why `what` of this package is not used."""
        return Text(
            en=f"{what.en} of the installed package {self.distribution} is left out: {why.en}",
            zh=f"已安装的软件包 {self.distribution} 的{what.zh}未被采用：{why.zh}",
        )


def plug_ins(group: str, on_warning: OnWarning) -> Iterator[PlugIn]:
    """Yield what installed packages register under `group`, by package and name.

    What raises while it is imported is told to `on_warning` with the name of its package.
    """
    for entry in sorted(entry_points(group=group), key=lambda e: (_distribution(e), e.name)):
        try:
            value = entry.load()
        except (Exception, SystemExit) as error:
            broken = PlugIn(_distribution(entry), entry.name, None)
            on_warning(broken.left_out(*_failure(entry, error)))
        else:
            yield PlugIn(_distribution(entry), entry.name, value)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.name


def _failure(entry: EntryPoint, error: BaseException) -> tuple[Text, Text]:
    what = Text(en=f"`{entry.name}` ({entry.group})", zh=f" `{entry.name}`（{entry.group}）")
    said = " ".join(str(error).split())[:200]  # one line, however long the error
    reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return what, Text(
        en=f"importing {entry.value} raised {reason}", zh=f"导入 {entry.value} 时出错：{reason}"
    )
