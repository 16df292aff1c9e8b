"""Knowledge kept from the last start: the same, never stale, and never in the way."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from expert.knowledge import cache as cache_module
from expert.knowledge import loader
from expert.knowledge.base import Knowledge
from expert.knowledge.cache import KnowledgeCache
from expert.knowledge.found import LiveKnowledge
from expert.knowledge.loader import load_packs
from expert.knowledge.packs import given_packs
from expert.knowledge.reader import KnowledgeError
from tests.expert.test_loader import BASE


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "base.yaml"
    path.write_text(BASE, encoding="utf-8")
    return aged(path)


def aged(path: Path, seconds: float = 100.0) -> Path:
    """Set the time of the last change back, as if it had not been edited just now."""
    status = path.stat()
    os.utime(path, (status.st_atime, status.st_mtime - seconds))
    return path


@pytest.fixture
def kept(tmp_path: Path) -> KnowledgeCache:
    return KnowledgeCache(tmp_path / "kept")


Read = Callable[[], tuple[Knowledge, bool]]


@pytest.fixture
def read(pack: Path, kept: KnowledgeCache, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Load the pack; say whether its YAML was read."""
    files: list[Path] = []
    original = loader.read_documents

    def spied(path: Path, *rest: object) -> object:
        files.append(path)
        return original(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(loader, "read_documents", spied)

    def load() -> tuple[Knowledge, bool]:
        files.clear()
        known = load_packs(given_packs(pack, built_in=False), kept=kept)
        return known, bool(files)

    return load


def test_the_second_start_reads_no_yaml_and_knows_the_same(read: Read) -> None:
    (first, was_read), (second, again) = read(), read()
    assert (was_read, again) == (True, False)
    assert list(first.conclusions()) == list(second.conclusions())
    assert (first.sources, first.facts, first.questions) == (
        second.sources,
        second.facts,
        second.questions,
    )
    assert first.packs == second.packs


def test_places_are_the_same_from_the_cache(read: Read) -> None:
    (first, _), (second, _) = read(), read()
    for loc in [(), ("title",), ("evidence", 0, "when", "all", 1), ("fixes", 0, "code")]:
        assert second.place("cause", "too-high", loc) == first.place("cause", "too-high", loc)


def test_a_place_in_a_file_that_changed_since_is_that_of_its_document(
    read: Read, pack: Path
) -> None:
    read()
    known, _ = read()
    start = known.place("cause", "too-low")
    pack.write_text("# gone\n", encoding="utf-8")
    assert known.place("cause", "too-low", ("evidence", 0)) == start


def test_the_built_in_knowledge_is_the_same_from_the_cache(kept: KnowledgeCache) -> None:
    places = given_packs()
    fresh = load_packs(places)
    load_packs(places, kept=kept)
    known = load_packs(places, kept=kept)
    assert list(known.conclusions()) == list(fresh.conclusions())
    assert list(known.facts.items()) == list(fresh.facts.items())


@pytest.mark.parametrize(
    "change",
    [
        lambda pack: pack.write_text(BASE + "---\nsource: book/2\ntitle: t\n", encoding="utf-8"),
        lambda pack: pack.write_text(BASE.replace("0.9", "0.7"), encoding="utf-8"),
        lambda pack: aged(pack, 1.0),
    ],
    ids=["longer", "same-size", "time"],
)
def test_a_change_is_seen(read: Read, pack: Path, change: Callable[[Path], object]) -> None:
    read()
    change(pack)
    known, was_read = read()
    assert was_read
    assert known.symptoms["loss-high"].evidence[0].certainty == (
        0.7 if "0.7" in pack.read_text() else 0.9
    )


def test_a_new_file_in_a_pack_is_seen(tmp_path: Path, kept: KnowledgeCache) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "a.yaml").write_text(BASE, encoding="utf-8")
    aged(folder / "a.yaml")
    places = given_packs(folder, built_in=False)
    assert "book/2" not in load_packs(places, kept=kept).sources
    (folder / "b.yaml").write_text("source: book/2\ntitle: t\n", encoding="utf-8")
    assert "book/2" in load_packs(places, kept=kept).sources


def test_what_was_edited_just_now_is_not_kept(read: Read, pack: Path) -> None:
    pack.write_text(BASE, encoding="utf-8")  # a second edit may leave size and time as they are
    assert [read()[1], read()[1]] == [True, True]


def test_our_own_code_is_part_of_the_key(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read()
    code = tmp_path / "code"
    code.mkdir()
    (code / "reader.py").write_text("changed = True\n", encoding="utf-8")
    monkeypatch.setattr(cache_module, "_OUR_CODE", (code,))
    assert read()[1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: content[:-20],
        lambda content: content.replace(b"too-low", b"too-lew"),
        lambda content: b"\xff" + content,
        lambda content: content.partition(b"\n")[0] + b"\n[]",
        lambda content: b"[" * 100_000,
    ],
    ids=["empty", "cut", "altered", "binary", "other-body", "nested"],
)
def test_a_spoilt_cache_is_ignored_and_mended(
    read: Read, kept: KnowledgeCache, spoil: Callable[[bytes], bytes]
) -> None:
    read()
    (file,) = kept.folder.glob("*.json")
    file.write_bytes(spoil(file.read_bytes()))
    known, was_read = read()
    assert was_read
    assert "too-low" in known.causes
    assert not read()[1]


def test_documents_that_no_longer_fit_the_schema_are_read_again(
    read: Read, kept: KnowledgeCache, pack: Path
) -> None:
    read()
    (file,) = kept.folder.glob("*.json")
    stamp = file.read_text(encoding="utf-8").split()[0]
    body = json.dumps([[[str(pack), {"cause": "half"}, 0, 1, 1]]])
    digest = cache_module._digest(body.encode())
    file.write_text(f"{stamp} {digest}\n{body}", encoding="utf-8")
    known, was_read = read()
    assert was_read
    assert "too-low" in known.causes


def test_a_folder_that_cannot_be_written_does_not_matter(pack: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    kept = KnowledgeCache(tmp_path / "file" / "kept")
    assert "too-low" in load_packs(given_packs(pack, built_in=False), kept=kept).causes


def test_only_so_many_are_kept(tmp_path: Path, kept: KnowledgeCache) -> None:
    for number in range(20):
        path = tmp_path / f"{number}.yaml"
        path.write_text(f"source: book/{number}\ntitle: t\n", encoding="utf-8")
        load_packs(given_packs(aged(path), built_in=False), kept=kept)
    assert len(list(kept.folder.glob("*"))) == 16


def test_knowledge_with_a_mistake_is_never_kept(pack: Path, kept: KnowledgeCache) -> None:
    pack.write_text(BASE.replace("book/1]", "book/9]"), encoding="utf-8")
    aged(pack)
    for _ in range(2):
        with pytest.raises(KnowledgeError, match="unknown source"):
            load_packs(given_packs(pack, built_in=False), kept=kept)


# ------------------------------------------------------------------------------------ hot reload
CAUSE = """\
cause: gremlins
title: {en: t, zh: t}
explanation: {en: e, zh: e}
evidence:
  - {rule: r, when: {fact: input.repeated_batch, is: true}, certainty: 0.5, reason: {en: r, zh: r}}
"""


@pytest.fixture
def live(tmp_path: Path) -> LiveKnowledge:
    (tmp_path / "own.yaml").write_text(CAUSE, encoding="utf-8")
    return LiveKnowledge(tmp_path / "own.yaml")


def test_nothing_happens_while_nothing_changes(live: LiveKnowledge) -> None:
    before = live.knowledge
    assert not live.changed()
    assert not live.refresh()
    assert live.knowledge is before


def test_an_edit_is_there_after_a_refresh(live: LiveKnowledge, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(CAUSE.replace("0.5", "0.75"), encoding="utf-8")
    assert live.changed()
    assert live.refresh()
    assert live.knowledge.causes["gremlins"].evidence[0].certainty == 0.75
    assert not live.changed()


@pytest.mark.parametrize("broken", ["cause: [", "cause: gremlins\n", None])
def test_a_mistake_keeps_the_last_good_knowledge(
    live: LiveKnowledge, tmp_path: Path, broken: str | None
) -> None:
    good, file = live.knowledge, tmp_path / "own.yaml"
    if broken is None:
        file.unlink()
    else:
        file.write_text(broken, encoding="utf-8")
    assert live.refresh()
    assert live.knowledge is good
    assert live.error is not None
    assert not live.refresh()
    file.write_text(CAUSE.replace("0.5", "0.25"), encoding="utf-8")
    assert live.refresh()
    assert live.error is None
    assert live.knowledge.causes["gremlins"].evidence[0].certainty == 0.25


def test_knowledge_that_is_faulty_from_the_start_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("cause: [", encoding="utf-8")
    with pytest.raises(KnowledgeError):
        LiveKnowledge(tmp_path / "own.yaml")
