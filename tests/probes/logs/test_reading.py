"""Reading logs of every kind, and what is said of those that cannot be read."""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from expert.errors import UsageError
from probes.logs.reading import Logs, read_logs
from probes.logs.series import Role, Series
from probes.logs.thinning import MOST_BUCKETS, ThinnedCurve

DATA = Path(__file__).parents[2] / "data" / "logs"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def written(tmp_path: Path):
    def write(content: str | bytes, name: str = "run.log") -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(data)
        return str(path)

    return write


def main(logs: Logs, role: Role) -> Series:
    (found,) = [one for one in logs.series if one.role == role]
    return found


def said(logs: Logs) -> str:
    return " | ".join(remark.text.en for remark in logs.remarks)


# ----------------------------------------------------------------- the same run in all formats
@pytest.mark.parametrize("name", ["healthy_printed.log", "events", "events_as_tensors"])
def test_a_run_reads_the_same_from_every_format(name: str) -> None:
    table, other = read_logs([str(DATA / "healthy.csv")]), read_logs([str(DATA / name)])
    for role in ("train_loss", "val_loss"):
        expected, found = main(table, role), main(other, role)
        assert len(found.values) == len(expected.values)
        assert found.values == pytest.approx(expected.values, rel=1e-3, abs=1e-4)


def test_event_files_keep_their_steps() -> None:
    table, events = read_logs([str(DATA / "healthy.csv")]), read_logs([str(DATA / "events")])
    assert main(events, "train_loss").steps == main(table, "train_loss").steps


def test_trainer_state_knows_loss_from_eval_loss() -> None:
    logs = read_logs([str(DATA / "healthy_few_epochs_trainer_state.json")])
    assert (main(logs, "train_loss").name, main(logs, "val_loss").name) == ("loss", "eval_loss")
    assert main(logs, "val_loss").count == 4
    assert not logs.remarks


# ---------------------------------------------------------------------------------- tables
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "  "])
def test_tables_of_any_delimiter_are_read(written, delimiter: str) -> None:
    rows = [("epoch", "train_loss", "val_loss"), *((i, 2 / i, 3 / i) for i in range(1, 9))]
    logs = read_logs([written("\n".join(delimiter.join(map(str, row)) for row in rows))])
    assert main(logs, "train_loss").values == pytest.approx([2 / i for i in range(1, 9)])
    assert main(logs, "val_loss").steps == tuple(range(1, 9))
    assert main(logs, "val_loss").axis == "epoch"


def test_a_decimal_comma_is_read_where_it_is_no_delimiter(written) -> None:
    logs = read_logs([written("epoch;loss\n1;0,52\n2;0,42\n3;0,3\n")])
    assert main(logs, "train_loss").values == (0.52, 0.42, 0.3)


@pytest.mark.parametrize(
    "content", ["0.5\n0.4\n0.3\n", "1,0.5\n2,0.4\n3,0.3\n", "loss\n.5\n.4\n.3\n"]
)
def test_bare_numbers_are_a_loss(written, content: str) -> None:
    assert main(read_logs([written(content)]), "train_loss").values == (0.5, 0.4, 0.3)


def test_nan_in_the_cells_that_the_other_phase_leaves_open_is_no_nan(written) -> None:
    rows = [f"{i},{1 / i},nan" if i % 5 else f"{i},nan,{2 / i}" for i in range(1, 31)]
    logs = read_logs([written("step,train_loss,val_loss\n" + "\n".join(rows))])
    assert main(logs, "train_loss").nonfinite_from is None
    assert main(logs, "train_loss").count == 24
    assert main(logs, "val_loss").count == 6


def test_nan_for_good_is_nan(written) -> None:
    rows = [f"{i},{1 / i if i < 20 else math.nan}" for i in range(1, 31)]
    logs = read_logs([written("step,loss\n" + "\n".join(rows))])
    assert main(logs, "train_loss").nonfinite_from == 20


def test_rows_that_do_not_fit_are_left_out_and_told(written) -> None:
    logs = read_logs(
        [written("step,loss\n1,2\n2,1.5\nWARNING: something, else, happened\n3,1.2\n4")]
    )
    assert main(logs, "train_loss").values == (2, 1.5, 1.2)
    assert "2 rows do not fit" in said(logs)


def test_weights_and_biases_names_are_understood(written) -> None:
    head = '"Step","sunny-7 - train/loss","sunny-7 - train/loss__MIN","sunny-7 - val/loss"'
    logs = read_logs([written(f"{head}\n1,2,1,3\n2,1.5,1,2.5\n3,1,.9,2\n")])
    assert main(logs, "train_loss").values == (2, 1.5, 1)
    assert main(logs, "val_loss").values == (3, 2.5, 2)


# ------------------------------------------------------------------------------------ JSON
def test_json_that_is_cut_short_gives_what_is_whole(written) -> None:
    lines = "".join(json.dumps({"step": i, "loss": 1 / i}) + "\n" for i in range(1, 200))
    logs = read_logs([written(lines[:-9])])
    assert main(logs, "train_loss").count == 198
    assert "cut short" in said(logs)


def test_a_trainer_state_that_is_cut_short_gives_what_is_whole(written) -> None:
    whole = (DATA / "healthy_few_epochs_trainer_state.json").read_text()
    logs = read_logs([written(whole[: len(whole) // 2])])
    assert main(logs, "train_loss").count > 50


def test_nested_json_and_numbers_as_text_are_read(written) -> None:
    lines = "".join(
        f'{{"train": {{"loss": "{1 / i}"}}, "global_step": {i}}}\n' for i in range(1, 9)
    )
    found = main(read_logs([written(lines)]), "train_loss")
    assert found.steps == tuple(range(1, 9))
    assert found.values[1] == 0.5


# ---------------------------------------------------------------------------- printed lines
PRINTED = {
    "epoch 3 loss 0.52 val_loss 0.61": {"train_loss": 0.52, "val_loss": 0.61},
    "step 100: loss=nan": {"train_loss": math.nan},
    "Epoch [3/10], Step [100/600], Loss: 0.3512": {"train_loss": 0.3512},
    "[3,  2000] loss: 0.842": {"train_loss": 0.842},
    "Epoch: [0][ 10/5005]\tTime 0.5 ( 0.6)\tLoss 6.9e+00 (7.0e+00)\tAcc@1 0.10 (  0.10)": {
        "train_loss": 6.9,
        "train_accuracy": 0.10,
    },
    "Test set: Average loss: 0.0534, Accuracy: 9824/10000 (98%)": {
        "val_loss": 0.0534,
        "val_accuracy": 0.9824,
    },
    "iter 10: loss 3.2, time 30.1ms, mfu 1.2%": {"train_loss": 3.2},
    "step 0: train loss 4.17, val loss 4.18": {"train_loss": 4.17, "val_loss": 4.18},
    "{'loss': '0.5', 'grad_norm': '1.2', 'learning_rate': '5e-05', 'epoch': '1.0'}": {
        "train_loss": 0.5,
        "grad_norm": 1.2,
        "learning_rate": 5e-5,
    },
    " 45%|###   | 90/200 [00:10<00:12, 8.1it/s, loss=0.52, lr=1e-3]": {
        "train_loss": 0.52,
        "learning_rate": 1e-3,
    },
    "2026-01-01 12:00:00,123 INFO Training loss = 0.4 | Validation loss = 0.5 | val acc: 80%": {
        "train_loss": 0.4,
        "val_loss": 0.5,
        "val_accuracy": 0.8,
    },
    "\x1b[32mtrain_loss: 1.5\x1b[0m - val_loss: tensor(0.7, device='cuda:0')": {
        "train_loss": 1.5,
        "val_loss": 0.7,
    },
    "32/32 [==============================] - 0s 3ms/step - loss: 0.69 - accuracy: 0.5": {
        "train_loss": 0.69,
        "train_accuracy": 0.5,
    },
}


@pytest.mark.parametrize("line", PRINTED)
def test_what_scripts_print_is_understood(written, line: str) -> None:
    logs = read_logs([written(f"Loading data ...\n{line}\nDone.\n")])
    found = {one.role: one.values[0] for one in logs.series}
    assert found == pytest.approx(PRINTED[line], nan_ok=True)


def test_a_progress_bar_on_one_line_is_many_points(written) -> None:
    bar = "".join(f"\r{i}%|#| {i}/100 [00:10<00:12, loss={1 / i:.4f}]" for i in range(1, 101))
    assert main(read_logs([written(bar)]), "train_loss").count == 100


def test_utf16_from_a_windows_shell_is_read(written) -> None:
    logs = read_logs([written("epoch 1 loss 0.5\r\nepoch 2 loss 0.4\r\n".encode("utf-16"))])
    assert main(logs, "train_loss").values == (0.5, 0.4)


# ------------------------------------------------------------------ restarts, several files
def test_a_restart_from_a_checkpoint_replaces_what_it_does_again(written) -> None:
    first = [f"{i},{2.0}" for i in range(1, 101)]
    second = [f"{i},{1.0}" for i in range(61, 151)]
    logs = read_logs(
        [
            written("step,loss\n" + "\n".join(first)),
            written("step,loss\n" + "\n".join(second), "b.csv"),
        ]
    )
    found = main(logs, "train_loss")
    assert found.steps == tuple(range(1, 151))
    assert found.values == (2.0,) * 60 + (1.0,) * 90
    assert "began again" in said(logs)


def test_steps_that_begin_anew_with_each_epoch_are_counted_on(written) -> None:
    rows = [f"{e},{i},{1.0}" for e in range(3) for i in range(100)]
    logs = read_logs([written("epoch,batch,loss\n" + "\n".join(rows))])
    found = main(logs, "train_loss")
    assert found.count == 300
    assert list(found.steps) == sorted(found.steps)
    assert not logs.remarks


def test_a_second_run_in_the_same_file_replaces_the_first(written) -> None:
    rows = [f"{i},{value}" for value in (2.0, 1.0) for i in range(1, 21)]
    logs = read_logs([written("epoch,loss\n" + "\n".join(rows))])
    assert main(logs, "train_loss").values == (1.0,) * 20
    assert "began again" in said(logs)


def test_folders_that_keep_train_and_validation_apart_are_understood(written) -> None:
    table = "step,loss\n1,2\n2,1\n3,0.5\n"
    logs = read_logs([written(table, "train/log.csv"), written(table, "validation/log.csv")])
    assert {one.role for one in logs.series} == {"train_loss", "val_loss"}


# ------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"  \n\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 50, "is binary"),
        (gzip.compress(b"epoch,loss\n1,2\n", mtime=0), "is binary"),
        (b"hello\nworld\n", "no curve was found"),
        (b"a,b\n1,2\n3,4\n", "which holds"),
        (b"step,loss_G,loss_D\n1,2,3\n2,3,4\n", "--train-loss NAME"),
        (b"{", "no curve was found"),
        (b"[[[[[[[[" * 10_000, "no curve was found"),
        (b'{"a":' * 5000, "no curve was found"),
    ],
)
def test_what_cannot_be_read_is_one_clear_sentence(written, content: bytes, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as raised:
        read_logs([written(content)])
    assert "\n" not in raised.value.text.en
    assert raised.value.text.zh


def test_a_missing_file_and_an_empty_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_logs([str(tmp_path / "nothing.csv")])
    with pytest.raises(UsageError, match="holds no log"):
        read_logs([str(tmp_path)])


def test_a_damaged_event_file_gives_what_comes_before(written) -> None:
    whole = (DATA / "events" / "events.out.tfevents.0").read_bytes()
    for broken in (whole[:-100], whole[:5000] + b"\xff" * 40 + whole[5040:]):
        logs = read_logs([written(broken)])
        assert main(logs, "train_loss").count > 20
        assert "cut short or damaged" in said(logs)


def test_the_loss_can_be_named(written) -> None:
    path = written("step,loss_G,loss_D\n1,2,3\n2,3,4\n")
    assert main(read_logs([path], train_loss="loss_D"), "train_loss").values == (3, 4)
    with pytest.raises(UsageError, match="holds loss_G, loss_D"):
        read_logs([path], train_loss="loss_X")


@pytest.mark.parametrize("seed", range(30))
def test_a_log_with_anything_in_it_never_breaks_the_reader(written, seed: int) -> None:
    chance = random.Random(seed)
    whole = bytearray(
        chance.choice(
            sorted(p for p in DATA.rglob("*") if p.suffix != ".py" and p.is_file())
        ).read_bytes()
    )
    for _ in range(20):
        at = chance.randrange(len(whole))
        whole[at : at + chance.randrange(40)] = chance.randbytes(chance.randrange(40))
    with contextlib.suppress(UsageError):
        read_logs([written(bytes(whole))])


# ----------------------------------------------------------------------------------- size
def test_a_thinned_curve_keeps_extremes_order_and_count() -> None:
    curve = ThinnedCurve("loss", "x")
    for i in range(100_000):
        curve.add(i, math.nan, 900.0 if i == 77_777 else -5.0 if i == 12_345 else 1.0)
    one = curve.series("train_loss")
    assert one.count == 100_000
    assert len(one.values) <= MOST_BUCKETS
    assert (max(one.highs), min(one.lows)) == (900.0, -5.0)
    assert list(one.steps) == sorted(one.steps)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "jsonl", "txt", "one-line"])
def test_a_large_log_is_read_in_bounded_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"large.{kind}"
    with path.open("w") as file:
        file.write(
            "step,loss,lr\n"
            if kind == "csv"
            else "x" * 30_000_000 + "\n"
            if kind == "one-line"
            else ""
        )
        for i in range(20_000 if kind == "one-line" else 250_000):
            loss = 2.0 / (1 + i / 1e5)
            file.write(
                f"{i},{loss:.6f},0.001000\n" if kind == "csv"
                else f'{{"step": {i}, "loss": {loss:.6f}, "lr": 0.001}}\n' if kind == "jsonl"
                else f"step {i}: loss {loss:.6f} lr 0.001 some words to make it long\n"
            )  # fmt: skip
    tracemalloc.start()
    logs = read_logs([str(path)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert main(logs, "train_loss").count >= 20_000
    assert peak < 24_000_000, f"{peak} bytes for a file of {os.path.getsize(path)}"


def test_reading_and_measuring_curves_needs_no_torch() -> None:
    script = (
        "from probes.logs.reading import read_logs; from probes.logs.curves import observe_curves; "
        f"observe_curves(read_logs([{str(DATA / 'events')!r}]).series); "
        "import sys; print('torch' in sys.modules, 'tensorboard' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
