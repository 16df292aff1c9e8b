"""Diagnoses that the tests of the written reports share."""

from __future__ import annotations

from expert import Diagnosis, Inquiry, Observation, Text, diagnose, load_knowledge

HOSTILE = '<script>alert("x")</script> & [link](http://x) `tick` **bold** | \x00 \u202e'


def sick(*, layer: str = "net.0") -> Diagnosis:
    """Softmax twice and dead units, measured in a file that the findings point to."""
    facts = [
        Observation("loss.function", "cross_entropy", origin="probe:loss_input"),
        Observation("loss.input_is_probability", True, origin="probe:loss_input"),
        Observation("loss.input_last_op", "softmax", origin="probe:loss_input"),
        Observation("place.loss", "train.py:12", origin="probe:places"),
        Observation("activation.dead_share", (1.0, 0.25), (layer, "net.2"), "probe:activations"),
        Observation("activation.dead_share_max", 1.0, origin="probe:activations"),
    ]
    done = Inquiry("activations", "probe", "done", seconds=0.25)
    failed = Inquiry("updates", "probe", "failed", reason=Text("it raised", "出错"))
    return diagnose(facts, load_knowledge(), inquiries=[done, failed])


def healthy() -> Diagnosis:
    """Nothing wrong, one probe done."""
    done = Inquiry("gradients", "probe", "done", seconds=0.2)
    facts = [Observation("gradient.missing_share", 0.0, origin="probe:gradients")]
    return diagnose(facts, load_knowledge(), inquiries=[done])
