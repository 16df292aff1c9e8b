"""From folders of YAML to one checked `Knowledge`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from expert.garbage import collection_paused
from expert.knowledge.base import Knowledge
from expert.knowledge.cache import KnowledgeCache
from expert.knowledge.merging import assemble
from expert.knowledge.packs import PackPlace, given_packs, shown
from expert.knowledge.reader import KnowledgeError, Problem, RawDocument, read_documents

__all__ = ["Knowledge", "assemble", "built_in_knowledge", "load_knowledge", "load_packs"]

#: Called now and then with the share (0 to 1) of the loading that is done.
OnProgress = Callable[[float], None]

_READING = 0.7  # share of the whole time; the rest is validation


@cache
def built_in_knowledge() -> Knowledge:
    """Return the knowledge that ships with torchmedic (read once per process)."""
    return load_packs(given_packs(), kept=KnowledgeCache())


def load_knowledge(*packs: Path | str, built_in: bool = True) -> Knowledge:
    """Read the built-in knowledge and then `packs` (files or folders), later ones overriding.

    Raises `KnowledgeError` that lists every problem with file, line and column.
    """
    return load_packs(given_packs(*packs, built_in=built_in))


def load_packs(
    places: Sequence[PackPlace],
    *,
    kept: KnowledgeCache | None = None,
    on_progress: OnProgress | None = None,
) -> Knowledge:
    """Read the packs at `places`, later ones overriding; from `kept` where no file changed.

    Raises `KnowledgeError` that lists every problem with file, line and column.
    """
    with collection_paused():
        if kept and (known := _from_cache(places, kept)):
            return known
        stamp = kept.stamp(places) if kept else None  # before reading: later edits are noticed
        packs, problems = _read_all(places, on_progress or _no_progress)
        done = _counting(sum(map(len, packs)), on_progress or _no_progress)
        names = [place.name for place in places]
        knowledge = assemble(packs, problems, names=names, on_document=done)
        if kept and stamp:
            kept.write(places, stamp, packs)
        return knowledge


def _from_cache(places: Sequence[PackPlace], kept: KnowledgeCache) -> Knowledge | None:
    packs = kept.read(places)
    if packs is None:
        return None
    try:
        return assemble(packs, names=[place.name for place in places], references=False)
    except KnowledgeError:  # not what we wrote there: the files decide
        return None


def _read_all(
    places: Sequence[PackPlace], on_progress: OnProgress
) -> tuple[list[list[RawDocument]], list[Problem]]:
    files = [[(path, _size(path)) for path in place.files()] for place in places]
    total, done = sum(size for own in files for _, size in own) or 1, 0
    packs: list[list[RawDocument]] = []
    problems: list[Problem] = []
    for own in files:
        documents: list[RawDocument] = []
        for path, size in own:

            def within(share: float, start: int = done, size: int = size) -> None:
                on_progress(_READING * (start + share * size) / total)

            try:
                documents += read_documents(path, shown(path), within)
            except KnowledgeError as error:
                problems += error.problems
            done += size
        packs.append(documents)
    return packs, problems


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # read_documents tells what is wrong with it
        return 0


def _counting(total: int, on_progress: OnProgress) -> Callable[[], None]:
    """Return what is called after each of `total` documents is validated."""
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        on_progress(_READING + (1 - _READING) * done / total)

    return one_more


def _no_progress(_: float) -> None: ...
