"""What a person reads on the terminal."""

from __future__ import annotations

import io

from rich.console import Console

from expert import Diagnosis, Inquiry, Observation, Text, diagnose, load_knowledge
from expert.language import Language
from expert.report.text_report import print_diagnosis
from expert.report.words import measurement

DOUBLE_SOFTMAX = [
    Observation("loss.function", "cross_entropy", origin="probe:loss_input"),
    Observation("loss.input_is_probability", True, origin="probe:loss_input"),
    Observation("loss.input_last_op", "softmax", origin="probe:loss_input"),
]


def printed(diagnosis: Diagnosis, language: Language = "en", width: int = 100) -> str:
    stream = io.StringIO()
    print_diagnosis(diagnosis, Console(file=stream, width=width, color_system=None), language)
    return stream.getvalue()


def test_a_finding_is_told_with_its_evidence_its_facts_and_its_fix() -> None:
    text = printed(diagnose(DOUBLE_SOFTMAX, load_knowledge()))
    assert "double-softmax" in text
    assert "loss.input_is_probability = True" in text
    assert "Fix:" in text


def test_evidence_that_a_stronger_piece_stands_for_is_not_told_twice() -> None:
    finding = diagnose(DOUBLE_SOFTMAX, load_knowledge()).findings[0]
    weaker = [piece for piece in finding.evidence if not piece.counts]
    assert [piece.rule for piece in weaker] == ["double-softmax/softmax-right-before-cross-entropy"]
    text = " ".join(printed(diagnose(DOUBLE_SOFTMAX, load_knowledge()), width=400).split())
    assert finding.evidence_that_counts[0].reason.en in text
    assert weaker[0].reason.en not in text


def test_causes_ruled_out_are_named_where_nothing_is_wrong_and_counted_where_something_is() -> None:
    facts = [Observation("loss.has_graph", True), Observation("input.nonfinite_share", 0.0)]
    healthy, ill = diagnose(facts, load_knowledge()), diagnose(DOUBLE_SOFTMAX, load_knowledge())
    assert healthy.ruled_out
    assert all(ruled.cause in printed(healthy) for ruled in healthy.ruled_out)
    assert f"Ruled out: {len(ill.ruled_out)} causes" in printed(ill)


def test_a_healthy_case_says_what_was_checked() -> None:
    done = Inquiry("gradients", "probe", "done", seconds=0.2)
    text = printed(diagnose([], load_knowledge(), inquiries=[done]))
    assert "No fault found." in text
    assert "gradients" in text


def test_running_out_of_time_is_no_clean_bill_of_health() -> None:
    reason = Text(en="stopped at the time budget", zh="已到时间预算，提前停止")
    stopped = Inquiry("overfit", "probe", "done", reason=reason, cut_short=True)
    text = " ".join(printed(diagnose([], load_knowledge(), inquiries=[stopped])).split())
    assert "No fault found." not in text
    assert "some checks ran out of time" in text
    assert "overfit: stopped at the time budget" in text


def test_what_could_not_be_checked_is_said_with_its_reason() -> None:
    reason = Text(en="no optimizer", zh="没有优化器")
    skipped = Inquiry("updates", "probe", "skipped", reason=reason)
    diagnosis = diagnose([], load_knowledge(), inquiries=[skipped])
    assert "updates: no optimizer" in printed(diagnosis)
    assert "updates: 没有优化器" in printed(diagnosis, "zh")


def test_names_that_look_like_markup_are_printed_as_they_are() -> None:
    facts = [*DOUBLE_SOFTMAX, Observation("loss.input_shape", "[bold]x[/] [/unclosed")]
    assert "double-softmax" in printed(diagnose(facts, load_knowledge()))
    assert measurement(facts[-1]) == "loss.input_shape = [bold]x[/] [/unclosed"


def test_many_layers_are_shortened() -> None:
    fact = Observation("gradient.rms", tuple([0.5] * 1000), tuple(f"layer{i}" for i in range(1000)))
    assert measurement(fact).endswith("... (+996)}")


def test_it_fits_a_narrow_terminal() -> None:
    text = printed(diagnose(DOUBLE_SOFTMAX, load_knowledge()), width=60)
    assert all(len(line) <= 60 for line in text.splitlines())
