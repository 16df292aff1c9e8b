"""YAML as people mean it; anything else is a KnowledgeError with a place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expert.knowledge.reader import (
    KnowledgeError,
    Place,
    Problem,
    RawDocument,
    parse_documents,
    read_documents,
)


def read(text: str) -> Any:
    (document,) = parse_documents(text, "x.yaml")
    return document.data


def problem(text: str) -> Problem:
    with pytest.raises(KnowledgeError) as raised:
        parse_documents(text, "x.yaml")
    return raised.value.problems[0]


@pytest.mark.parametrize(
    ("scalar", "meant"),
    [
        ("1e-3", 0.001),
        ("1E6", 1e6),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("12", 12),
        ("+3", 3),
        ("012", 12),
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("null", None),
        ("~", None),
        ("", None),
        ("2020-01-02", "2020-01-02"),
        ("12:30:00", "12:30:00"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        (".nan", ".nan"),
        ("'1e-3'", "1e-3"),
        ('"true"', "true"),
        ("1e-3x", "1e-3x"),
    ],
)
def test_scalars_mean_what_people_mean(scalar: str, meant: object) -> None:
    value = read(f"key: {scalar}")["key"]
    assert value == meant
    assert type(value) is type(meant)


def test_a_very_long_number_is_read_in_no_time() -> None:
    assert read("key: " + "9" * 100_000)["key"] == float("inf")


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "the key 'a' is given twice"),
        ("a:\n  b: 1\n  b: 2\n", 3, 3, "the key 'b' is given twice"),
        ("a: &x [1]\nb: *x\n", 1, 4, "aliases"),
        ("a: &x [*x]\n", 1, 4, "alias"),
        ("a: *nowhere\n", 1, 4, "undefined alias"),
        ("a: !!python/object/apply:os.system ['true']\n", 1, 4, "tags"),
        ("a: !!python/name:os.system\n", 1, 4, "tags"),
        ("a: !!python/tuple [1, 2]\n", 1, 4, "tags"),
        ("a: !!binary aGk=\n", 1, 4, "tags"),
        ("a: !own {b: 1}\n", 1, 4, "tags"),
        ("a: !own 'b'\n", 1, 4, "tags"),
        ("[a, b]: 1\n", 1, 1, "a key must be plain text"),
        ("{a: 1}: 1\n", 1, 1, "a key must be plain text"),
        ("a: [1, 2\nb: 3\n", 2, 2, "not YAML"),
        ("a: b: c\n", 1, 5, "not YAML"),
        ("\ta: 1\n", 1, 1, "not YAML"),
        ("a: 1\n---\nb: 'open\n", 4, 1, "not YAML"),
    ],
)
def test_tells_where_and_what(text: str, line: int, column: int, message: str) -> None:
    found = problem(text)
    assert (found.place.path, found.place.line) == ("x.yaml", line)
    assert found.place.column == column
    assert message in found.message.en


def test_billion_laughs_do_not_expand() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    assert "aliases" in problem("\n".join(lines)).message.en


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 200_000,
        "a: " + "[" * 200_000 + "]" * 200_000,
        "{a: " * 200_000,
        "- " * 200_000 + "a",
        "? " * 200_000 + "a",
        "\n".join(" " * i + "a:" for i in range(2_000)),
    ],
    ids=["open", "closed", "flow", "block", "keys", "indented"],
)
def test_deep_nesting_is_an_error_and_not_the_end_of_the_process(text: str) -> None:
    assert problem(text).message.en


def test_sixty_levels_are_deep_enough_for_anyone() -> None:
    assert read("a: " + "[" * 50 + "]" * 50)
    assert "60 levels" in problem("a: " + "[" * 70 + "]" * 70).message.en


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "---\n---\n"])
def test_nothing_is_no_document(text: str) -> None:
    assert [d.data for d in parse_documents(text, "x.yaml") if d.data is not None] == []


def test_several_documents_in_one_file() -> None:
    documents = parse_documents("a: 1\n---\nb: 2\n", "x.yaml")
    assert [document.data for document in documents] == [{"a": 1}, {"b": 2}]
    assert str(documents[1].place(("b",))) == "x.yaml:3:4"
    assert str(documents[1].place(("b",), key=True)) == "x.yaml:3:1"


@pytest.mark.parametrize("content", [b"a: \xff\xfe", b"\x80", b"a: \xc3\x28"])
def test_not_utf8_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(KnowledgeError, match="not UTF-8"):
        read_documents(tmp_path / "x.yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_documents(tmp_path / "x.yaml")[0].data == {"a": 1, "b": 2}


@pytest.mark.parametrize("text", ["a: \0", "\0", "a: \x07", "a: \ud800"])
def test_characters_that_yaml_forbids(text: str) -> None:
    assert "not YAML" in problem(text).message.en


@pytest.mark.parametrize("name", [".", "missing.yaml"])
def test_unreadable_files_are_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(KnowledgeError, match="cannot be read"):
        read_documents(tmp_path / name)


yamlish = st.text(
    st.sampled_from("ab01:- \n\t[]{}&*!|>'\"#%@,?~.\\e<=\0\x85\u2028\ufeff"), max_size=60
)


def outcome(read_it: Callable[[], list[RawDocument]]) -> list[Place]:
    """Return the places of the documents, or those of what is wrong with them."""
    try:
        return [document.place() for document in read_it()]
    except KnowledgeError as error:
        return [problem.place for problem in error.problems] or [Place("nowhere", 0, 0)]


@given(yamlish | st.text(max_size=60))
def test_any_text_gives_documents_or_a_knowledge_error(text: str) -> None:
    assert all(place.line >= 1 for place in outcome(lambda: parse_documents(text, "x.yaml")))


@given(st.binary(max_size=40))
def test_any_file_gives_documents_or_a_knowledge_error(content: bytes) -> None:
    with NamedTemporaryFile(suffix=".yaml") as file:
        file.write(content)
        file.flush()
        places = outcome(lambda: read_documents(Path(file.name)))
    assert all(place.path == file.name for place in places)
