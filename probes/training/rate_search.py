"""Finding the learning rates of a case: a range sweep, then short runs on a grid of rates."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from probes.training.short_training import PEAK, Ground, Run, run, set_rate, train, training_mode

if TYPE_CHECKING:
    from probes.running.examination import Examination

PER_DECADE: Final = 4  # rates on the grid; the search walks it in strides of 2, then of 1
LOWEST: Final = -11 * PER_DECADE
HIGHEST: Final = 2 * PER_DECADE
SWEEP_STEPS: Final = 54
SWEEP_FROM: Final = 1e-7
SWEEP_TO: Final = 1e2
RISE_AFTER_LOWEST: Final = 0.5  # of the loss's scale: so far above its lowest the sweep ends
FALL: Final = 0.02  # of the loss's scale: less is no fall
NEARLY: Final = 0.8  # of the best run's progress
USEFUL: Final = 0.5  # of the best run's progress: at such a rate training still works
SMOOTHED: Final = 3  # steps of the sweep averaged on either side


def rate_of(place: int) -> float:
    """Return the rate at a place of the grid."""
    return float(10.0 ** (place / PER_DECADE))


def place_of(rate: float) -> int:
    """Return the place of the grid nearest to a rate."""
    place = round(PER_DECADE * math.log10(rate)) if rate > 0 else LOWEST
    return min(max(place, LOWEST), HIGHEST)


@dataclass
class Search:
    """Short runs on `ground`, by place on the grid; each is made once."""

    exam: Examination
    ground: Ground
    tried: dict[int, Run] = field(default_factory=dict)

    def at(self, place: int) -> Run:
        """Return the short run at a place."""
        if place not in self.tried:
            self.tried[place] = run(self.exam, self.ground, rate_of(place), hopeless=PEAK)
            self.exam.progress(math.nan)  # only to stop in time
        return self.tried[place]

    def stable(self, place: int) -> bool:
        """Return whether the short run at a place is stable."""
        return self.at(place).stable(self.ground)

    def largest_stable(self, estimate: float) -> int | None:
        """Return the place of the largest stable rate, None when there is none."""
        place = place_of(estimate)
        if not self.stable(place):
            found = self._below(place)
            if found is None:
                return None
            place = found
        else:
            while place + 2 <= HIGHEST and self.stable(place + 2):
                place += 2
        return place + 1 if place + 1 <= HIGHEST and self.stable(place + 1) else place

    def _below(self, place: int) -> int | None:
        """Return a stable place below an unstable one, its upper neighbour in strides of 2 not."""
        stride = 2
        for failed in range(1, 20):
            stride = 2 if failed <= 2 else PER_DECADE  # far off: go by decades
            place -= stride
            if place < LOWEST:
                return None
            if self.stable(place):
                return place + 2 if stride > 2 and self.stable(place + 2) else place
        return None

    def descend(self, largest: int) -> None:
        """Try rates a third, a tenth and a thirtieth of the largest; lower ones while they help."""
        for place in (largest - 2, largest - 4, largest - 6):
            self.at(place)
        place = largest - 6
        for _ in range(4):
            best = self.best(largest)
            if best is not None and self.tried[best].learns(self.ground) and best > place:
                return
            place -= 2
            self.at(place)

    def best(self, largest: int) -> int | None:
        """Return the place of the stable run that fell most, at most a third of the largest."""
        places = [p for p in self.tried if p <= largest - 2 and self.stable(p)]
        return min(places, key=lambda place: self.tried[place].end, default=None)

    def suggested(self, best: int) -> int:
        """Return the lowest place whose run fell nearly as much as the best one.

        What is fastest over a few steps is too restless over many: where rates do equally well
        the lower one is the safer advice.
        """
        return min(p for p in self.tried if p <= best and self._keeps(NEARLY, p, best))

    def largest_useful(self, best: int) -> int:
        """Return the place of the largest rate tried that keeps half of the best run's progress."""
        return max(place for place in self.tried if self._keeps(USEFUL, place, best))

    def _keeps(self, share: float, place: int, best: int) -> bool:
        """Return whether a place's run made at least `share` of the best run's progress."""
        top = self.ground.reference if self.tried[best].learns(self.ground) else self.ground.start
        limit = top - share * (top - self.tried[best].end)
        return self.stable(place) and self.tried[place].end <= limit


@dataclass(frozen=True, slots=True)
class Sweep:
    """The course of a range sweep: the loss at each rate, and what it says.

    `largest`: an estimate of the largest stable rate; `steepest`: the rate at which the loss fell
    fastest, None where it never fell. The last loss may not be finite.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    largest: float
    steepest: float | None


def sweep(exam: Examination, ground: Ground) -> Sweep:
    """Raise the rate exponentially from step to step until the loss soars."""
    ratio = (SWEEP_TO / SWEEP_FROM) ** (1 / (SWEEP_STEPS - 1))
    rates = [SWEEP_FROM * ratio**index for index in range(SWEEP_STEPS)]
    with exam.training():
        training_mode(exam.model)
        losses, broken = train(
            exam,
            ground.batches,
            SWEEP_STEPS,
            stop=lambda seen: max(ground.peaks(seen)) > PEAK,
            before_step=lambda index: set_rate(exam, rates[index]),
        )
    largest, steepest = _read_off(rates, losses if broken is None else losses[:broken], ground)
    return Sweep(tuple(rates[: len(losses)]), tuple(losses), largest, steepest)


def _read_off(
    rates: list[float], losses: list[float], ground: Ground
) -> tuple[float, float | None]:
    """Return an estimate of the largest stable rate, and the rate of the fastest fall if any."""
    peaks = ground.peaks(losses)
    soared = next((i for i, peak in enumerate(peaks) if peak > PEAK), len(losses))
    course = ground.rises(losses[:soared])
    if not course:
        return rates[0], None
    smooth = [_around(course, index) for index in range(len(course))]
    lowest = min(range(len(smooth)), key=smooth.__getitem__)
    limit = smooth[lowest] + RISE_AFTER_LOWEST * ground.scale
    turned = next((i for i in range(lowest, len(course)) if course[i] > limit), len(course) - 1)
    falls = [(smooth[i + 1] - smooth[i], rates[i]) for i in range(lowest)]
    fell = bool(falls) and smooth[lowest] < -FALL * ground.scale
    return rates[turned], min(falls)[1] if fell else None


def _around(values: list[float], index: int) -> float:
    part = values[max(index - SMOOTHED, 0) : index + SMOOTHED + 1]
    return sum(part) / len(part)
