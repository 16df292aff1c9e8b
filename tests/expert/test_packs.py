"""Packs: where they are found, in which order they override, and what they may change."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expert.cli import main
from expert.inference.diagnose import diagnose
from expert.knowledge.cache import KnowledgeCache
from expert.knowledge.found import load_found
from expert.knowledge.loader import load_packs
from expert.knowledge.packs import PackPlace, find_packs, given_packs, user_folder
from expert.knowledge.reader import KnowledgeError, Place, Problem
from expert.language import Text
from tests.expert.making import loaded, observed
from tests.expert.test_loader import BASE

GREMLINS = """\
cause: gremlins
title: {{en: "{0}", zh: 小妖精}}
explanation: {{en: They eat batches., zh: 它们会吃掉批次。}}
evidence:
  - rule: batch-eaten
    when: {{fact: input.repeated_batch, is: true}}
    certainty: 0.9
    reason: {{en: A batch came twice., zh: 同一批次出现了两次。}}
"""
HEAD = "pack: {0}\nschema_version: 1\ntitle: {{en: Own, zh: 自有}}\ndisable: [{1}]\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, and a home of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def installed(site: Path, name: str, value: str, pack: str | None, module: str = "") -> None:
    """Put a distribution with an entry point where Python finds packages."""
    package = value.partition(":")[0].partition(".")[0]
    written(site / package / "__init__.py", module)
    if pack is not None:
        written(site / package / "rules" / "pack.yaml", pack)
    info = site / f"{name}-1.0.dist-info"
    written(info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    written(info / "entry_points.txt", f"[torchmedic.rules]\nmain = {value}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


# ----------------------------------------------------------------------- where and in which order
def test_later_places_override_earlier_ones(project: Path, site: Path, tmp_path: Path) -> None:
    places: list[tuple[str, Path]] = [
        ("user", user_folder() / "own.yaml"),
        ("project", project / ".torchmedic" / "own.yaml"),
        ("given", tmp_path / "given.yaml"),
    ]
    installed(site, "acme-rules", "acme_torchmedic:rules", GREMLINS.format("package"))
    assert load_found().causes["gremlins"].title.en == "package"
    for title, path in places:
        written(path, GREMLINS.format(title))
        given = [path] if title == "given" else []
        assert load_found(*given).causes["gremlins"].title.en == title


def test_a_folder_with_a_head_is_a_pack_of_its_own(project: Path) -> None:
    rules = user_folder()
    written(rules / "loose.yaml", GREMLINS.format("loose"))
    written(rules / "team" / "pack.yaml", HEAD.format("team", ""))
    written(rules / "team" / "rules.yaml", GREMLINS.format("team"))
    places = [place for place in find_packs() if place.origin == "user"]
    assert [place.path for place in places] == [rules / "team", rules]
    known = load_found()
    assert known.causes["gremlins"].title.en == "loose"
    assert [each.pack for each in known.history["cause", "gremlins"]] == ["team", "rules (user)"]


def test_without_packs_there_is_what_is_built_in(project: Path) -> None:
    assert [place.origin for place in find_packs()] == ["built-in"]


# ---------------------------------------------------------------------------- installed packages
def test_a_package_is_not_imported_for_its_rules(project: Path, site: Path) -> None:
    module = "raise SystemExit('imported')"
    installed(site, "acme-rules", "acme_quiet.rules", GREMLINS.format("package"), module)
    known = load_found()
    assert known.packs_of("cause", "gremlins") == ("acme-rules",)
    assert "acme_quiet" not in sys.modules


@pytest.mark.parametrize(
    ("pack", "told"),
    [
        (None, "there is no such folder"),
        ("cause: [", "not YAML"),
        (GREMLINS.format("x").replace("input.repeated_batch", "input.repeated"), "unknown fact"),
        ("pack: p\nschema_version: 2\ntitle: soon\n", "schema version 2"),
    ],
    ids=["no-folder", "no-yaml", "unknown-fact", "future"],
)
def test_a_faulty_package_is_a_warning_that_names_it(
    project: Path, site: Path, pack: str | None, told: str
) -> None:
    installed(site, "acme-rules", "acme_faulty:rules", pack)
    warnings: list[Text] = []
    known = load_found(on_warning=warnings.append)
    assert "gremlins" not in known.causes
    assert "double-softmax" in known.causes
    (warning,) = warnings
    assert "acme-rules" in warning.en
    assert "acme-rules" in warning.zh
    assert told in warning.en


def test_a_faulty_package_leaves_the_others(project: Path, site: Path) -> None:
    installed(site, "acme-rules", "acme_bad:rules", "cause: [")
    installed(site, "good-rules", "acme_good:rules", GREMLINS.format("good"))
    assert load_found().causes["gremlins"].title.en == "good"


def test_the_command_tells_the_warning_and_goes_on(
    project: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(site, "acme-rules", "acme_gone:rules", None)
    assert main(["rules", "list", "--lang", "zh"]) == 0
    assert "已安装的软件包 acme-rules" in capsys.readouterr().err


# -------------------------------------------------------------------------------- what they change
EXTENSION = """\
extends: too-high
sources: [book/1]
produces: [{cause: too-low, when: {fact: loss.initial, above: 3}}]
evidence:
  - rule: seen
    when: {fact: loss.initial, above: 30}
    certainty: 0.7
    reason: {en: r, zh: r}
  - rule: also-seen
    when: {fact: loss.initial, abov: 5}
    certainty: 0.5
    reason: {en: r, zh: r}
"""


def test_an_extension_adds_rules_and_replaces_those_of_the_same_id() -> None:
    known = loaded(BASE, EXTENSION.replace("abov:", "above:"))
    evidence = known.causes["too-high"].evidence
    assert [(rule.rule, rule.certainty) for rule in evidence] == [("seen", 0.7), ("also-seen", 0.5)]
    assert known.causes["too-high"].sources == ["book/1"]
    assert [link.cause for link in known.causes["too-high"].links] == ["too-low", "too-low"]
    assert known.packs_of("cause", "too-high") == ("base", "pack-1")


def test_parts_of_an_extended_cause_are_placed_where_they_are_written() -> None:
    known = loaded(BASE, EXTENSION.replace("abov:", "above:"))

    def place(*loc: int | str) -> str:
        return str(known.place("cause", "too-high", loc))

    assert place("evidence", 1, "when") == "1.yaml:10:11"
    assert place("evidence", 0, "certainty") == "1.yaml:7:16"
    assert place("produces", 1) == "1.yaml:3:12"
    assert place("fixes", 0).startswith("0.yaml:")
    assert place("title").startswith("0.yaml:")


def test_extensions_add_up_over_packs() -> None:
    more = EXTENSION.replace("abov:", "above:")
    third = "extends: too-high\nevidence:" + more.partition("evidence:")[2].replace("also", "third")
    known = loaded(BASE, more, third)
    evidence = known.causes["too-high"].evidence
    assert [rule.rule for rule in evidence] == ["seen", "also-seen", "third-seen"]
    places = [known.place("cause", "too-high", ("evidence", i)).path for i in range(3)]
    assert places == ["2.yaml", "1.yaml", "2.yaml"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (EXTENSION, "1.yaml:10:32: unknown key 'abov'; did you mean 'above'?"),
        ("extends: too-hih\nsources: [book/1]\n", "unknown cause or symptom 'too-hih'; did you"),
        ("extends: too-high\n", "an extension needs one of sources, produces"),
        ("extends: loss-high\nproduces: [too-low]\n", "1.yaml:2:11: a symptom has no produces"),
        ("extends: too-high\nsources: [book/9]\n", "1.yaml:2:11: unknown source 'book/9'"),
        (
            EXTENSION.replace("abov:", "above:").replace("also-seen", "seen"),
            "1.yaml:9:5: the rule 'seen' is given twice",
        ),
    ],
)
def test_mistakes_in_an_extension_are_told_with_their_place(text: str, told: str) -> None:
    with pytest.raises(KnowledgeError) as raised:
        loaded(BASE, text)
    assert told in str(raised.value.problems[0])


def test_a_rule_of_an_extension_fires() -> None:
    known = loaded(BASE, EXTENSION.replace("abov:", "above:"))
    (finding,) = diagnose(observed({"loss.initial": 31}), known).findings
    assert [each.certainty for each in finding.evidence] == [0.7, 0.5]


def test_a_future_schema_version_is_one_clear_sentence() -> None:
    with pytest.raises(KnowledgeError) as raised:
        loaded(BASE, "pack: own\nschema_version: 7\ntitle: later\n---\ncause: x\nnew_key: 1\n")
    (problem,) = raised.value.problems
    assert str(problem) == (
        "1.yaml:2:17: the pack 'own' is written for schema version 7, and this torchmedic reads "
        "version 1; install a newer torchmedic or an older pack"
    )


# ------------------------------------------------------------------------------------- provenance
def test_list_and_show_say_which_pack_a_cause_comes_from(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(project / ".torchmedic" / "pack.yaml", HEAD.format("team", "dead-relu"))
    written(project / ".torchmedic" / "own.yaml", GREMLINS.format("Gremlins"))
    more = EXTENSION.replace("too-high", "double-softmax").replace("book/1", "pytorch/optim")
    more = more.replace("too-low", "gremlins").replace("abov:", "above:")
    written(project / ".torchmedic" / "more.yaml", more)
    assert main(["rules", "list"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert " team " in lines["gremlins"]
    assert " torchmedic + team " in lines["double-softmax"]
    assert "dead-relu" not in lines
    assert main(["rules", "show", "double-softmax"]) == 0
    assert "# extended at .torchmedic/more.yaml:1:1 (team)" in capsys.readouterr().out
    assert main(["rules", "show", "dead-relu", "--lang", "en"]) == 2
    assert "switched off by the pack team" in capsys.readouterr().err


def test_show_says_what_was_overridden(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = GREMLINS.format("Ours").replace("cause: gremlins", "cause: dead-relu")
    written(project / ".torchmedic" / "own.yaml", own)
    assert main(["rules", "show", "dead-relu"]) == 0
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.endswith("(torchmedic, overridden)")
    assert second == "# overridden at .torchmedic/own.yaml:1:1 (.torchmedic (project))"


# -------------------------------------------------------------------------------------------- fuzz
SNIPPETS = [
    "!!python/object/apply:os.system ['touch executed']",
    "!!python/name:os.system",
    "{extends: too-high, evidence: []}",
    "{pack: p, schema_version: 99}",
    "{pack: p, schema_version: 1, title: {en: e, zh: z}, disable: [too-low, too-high]}",
    "[*a, &a b]",
    "{__class__.__init__}",
    "{all: [{none: [{any: [{unknown: loss.initial}]}]}]}",
    "{value: {over: [1, 0]}, above: 0}",
    "1e999",
    "0x10",
    "'\u0000'",
    "null",
]
MORE = EXTENSION.replace("abov:", "above:") + "---\n" + HEAD.format("own", "too-low")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.sampled_from(SNIPPETS), st.binary(max_size=30), st.booleans())
def test_whatever_packs_hold_the_answer_is_knowledge_or_problems_with_places(
    seed: int, snippet: str, noise: bytes, noisy: bool
) -> None:
    rng = random.Random(seed)
    lines = MORE.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    head, colon, _ = lines[at].partition(":")
    lines[at] = f"{head}{colon} {snippet}\n"
    with TemporaryDirectory() as folder:
        files = {"0.yaml": BASE.encode(), "1.yaml": "".join(lines).encode()}
        files |= {"2.yaml": noise} if noisy else {}
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        for kept in (None, KnowledgeCache(Path(folder, "kept"))):
            places = given_packs(*(Path(folder, name) for name in files), built_in=False)
            for problem in problems_of(places, kept):
                assert Path(problem.place.path).name in files
                assert problem.place.line >= 1
                assert problem.message.en
                assert "\n" not in str(problem)
        assert not Path("executed").exists()


def problems_of(places: list[PackPlace], kept: KnowledgeCache | None) -> tuple[Problem, ...]:
    try:
        known = load_packs(places, kept=kept)
    except KnowledgeError as error:
        return error.problems or (Problem(Place("nothing told", 0, 0), Text(en="", zh="")),)
    diagnose(observed({"loss.initial": 31}), known)
    for kind, id_ in known.origins:
        known.place(kind, id_, ("evidence", 0, "when"))
    return ()
