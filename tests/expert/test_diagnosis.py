"""A diagnosis knows whether finding nothing means anything."""

from __future__ import annotations

import pytest

from expert import Inquiry, Text, diagnose, load_knowledge

REASON = Text(en="why", zh="原因")


@pytest.mark.parametrize(
    ("inquiry", "incomplete"),
    [
        (Inquiry("gradients", "probe", "done"), False),
        (Inquiry("updates", "probe", "skipped", reason=REASON), False),
        (Inquiry("overfit", "probe", "skipped", reason=REASON, cut_short=True), True),
        (Inquiry("overfit", "probe", "done", reason=REASON, cut_short=True), True),
        (Inquiry("overfit", "probe", "failed", reason=REASON), True),
    ],
)
def test_an_inquiry_that_failed_or_ran_out_of_time_makes_it_incomplete(
    inquiry: Inquiry, incomplete: bool
) -> None:
    done = Inquiry("data", "probe", "done")
    diagnosis = diagnose([], load_knowledge(), inquiries=[done, inquiry])
    assert diagnosis.is_incomplete is incomplete
