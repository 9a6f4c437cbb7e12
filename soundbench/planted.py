"""What planting makes, and how often it is tried."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soundbench.base import TrainingFailed
from soundbench.errors import CertificateError, SoundbenchError
from soundbench.front import NoWayBack
from soundbench.ground_truth import GroundTruth
from soundbench.instance import Property
from soundbench.notation import Notation
from soundbench.placement import NoRoom

ATTEMPTS = 40


class PlantingFailed(SoundbenchError):
    """What was to be planted could not be built within the attempts allowed."""


@dataclass(frozen=True, slots=True, eq=False)
class PlantedInstance:
    """One instance of a planted pair of networks; `onnx` is the network's file."""

    name: str
    onnx: Path
    property: Property
    truth: GroundTruth
    notation: Notation = Notation.PLAIN


Build = Callable[[np.random.Generator], tuple[PlantedInstance, ...]]


def built(name: str, seed: Sequence[int], build: Build, hint: str) -> tuple[PlantedInstance, ...]:
    """What is built in the first attempt that succeeds, each with randomness of its own.

    Raises:
        PlantingFailed: none did; the message says why the last one failed, and gives the hint.
    """
    reason: SoundbenchError | None = None
    for attempt in range(ATTEMPTS):
        try:
            return build(np.random.default_rng([*seed, attempt]))
        except (TrainingFailed, NoRoom, NoWayBack, CertificateError) as error:
            reason = error
    raise PlantingFailed(f"{name}: not built in {ATTEMPTS} attempts (the last one: {reason}); try {hint}")
