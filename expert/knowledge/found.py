"""The knowledge of all packs found, now and after its files change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

from expert.knowledge.base import Knowledge
from expert.knowledge.cache import KnowledgeCache
from expert.knowledge.loader import OnProgress, load_packs
from expert.knowledge.packs import PackPlace, find_packs
from expert.knowledge.reader import KnowledgeError
from expert.language import Text

OnWarning = Callable[[Text], None]


def load_found(
    *paths: Path | str,
    on_warning: OnWarning = lambda _: None,
    on_progress: OnProgress | None = None,
) -> Knowledge:
    """Read the packs of all places and those at `paths`; what the command line and the TUI use.

    The pack of an installed package that cannot be used is told to `on_warning` and left out: its
    user can hardly mend it. Raises `KnowledgeError` for mistakes in all others.
    """
    return _load(find_packs(*paths, on_warning=on_warning), on_warning, on_progress)


def _load(
    places: Sequence[PackPlace], on_warning: OnWarning, on_progress: OnProgress | None = None
) -> Knowledge:
    try:
        return load_packs(places, kept=KnowledgeCache(), on_progress=on_progress)
    except KnowledgeError as error:
        faulty = [place for place in places if _is_faulty_package(place, error)]
        if not faulty:
            raise
        for place in faulty:
            on_warning(_left_out(place, error))
    return _load([place for place in places if place not in faulty], on_warning, on_progress)


def _is_faulty_package(place: PackPlace, error: KnowledgeError) -> bool:
    if place.origin != "package":
        return False
    return any(place.holds(problem.place.path) for problem in error.problems)


def _left_out(place: PackPlace, error: KnowledgeError) -> Text:
    first = next(p for p in error.problems if place.holds(p.place.path))
    name = place.distribution
    return Text(
        en=f"the rules of the installed package {name} are left out: {first}",
        zh=f"已安装的软件包 {name} 的规则未被采用：{first.say('zh')}",
    )


class LiveKnowledge:
    """Knowledge that follows its files: edit a rule, `refresh`, and it is there.

    While the files cannot be used, `knowledge` stays the last that could be and `error` tells why.
    """

    def __init__(self, *paths: Path | str, on_warning: OnWarning = lambda _: None) -> None:
        """Read the packs now. Raises `KnowledgeError` when that fails the first time."""
        self._paths = paths
        self._on_warning = on_warning
        self._refreshing = Lock()  # whoever comes while files are read gets what they say
        self._stamp = self._present_stamp()
        self.knowledge = load_found(*paths, on_warning=on_warning)
        self.error: KnowledgeError | None = None

    def changed(self) -> bool:
        """Whether a file was edited, added or removed since the last `refresh` (a few ms)."""
        return self._present_stamp() != self._stamp

    def refresh(self) -> bool:
        """Read again if something changed, and return whether it did."""
        with self._refreshing:
            present = self._present_stamp()
            if present == self._stamp:
                return False
            self._stamp = present
            try:
                self.knowledge = load_found(*self._paths, on_warning=self._on_warning)
                self.error = None
            except KnowledgeError as error:
                self.error = error
            return True

    def _present_stamp(self) -> str:
        try:
            return KnowledgeCache().stamp(find_packs(*self._paths))
        except KnowledgeError as error:  # a pack is gone
            return str(error)
