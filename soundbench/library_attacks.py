"""Attacks of the Adversarial Robustness Toolbox (ART), an optional dependency: APGD and Square.

APGD is that of Croce and Hein 2020 (Reliable evaluation of adversarial robustness), Square that of Andriushchenko
et al. 2020 (Square attack). Both attack classifiers within a ball. So each box is shown to them as the unit ball
around 0.5, and the network as a classifier of two classes, of which the first leads by the margin.
"""

import contextlib
import importlib.metadata
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from soundbench.errors import InputError
from soundbench.pgd import Reached
from soundbench.targets import Targets

DISTRIBUTION = "adversarial-robustness-toolbox"
APGD_ITERATIONS = 100
SQUARE_ITERATIONS = 1000
# Cross-entropy is flat in float32 where one class leads by more than 16; margins are scaled to lead by this at most.
LEAD = 4.0
SAMPLES = 256
# ART's Square never puts a square of the largest size on a smaller image, nor any on its last row or column.
SMALLEST_SIDE = 5


class FoundError(Exception):
    """Ends an attack of the library once it has met a counterexample."""


def library_version() -> str:
    """The installed version of the library.

    Raises:
        InputError: it is not installed; the message says how to install it.
    """
    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        raise InputError(
            f"APGD and Square need {DISTRIBUTION}; install it with: pip install 'soundbench[attack]', "
            "or leave them out with --without-library"
        ) from None


class Recorder(torch.nn.Module):
    """One box as a classifier of points (points, *shape) in [0, 1]: two logits, the first leads by the margin.

    Keeps the best of all points that were asked about. Inputs are read from the image's upper left part.
    """

    def __init__(self, targets: Targets, image: tuple[int, int, int]) -> None:
        super().__init__()
        self.targets, self.image = targets, image
        self.reached = Reached(
            torch.full_like(targets.boxes.lower[:, 0], torch.inf),
            targets.boxes.lower.clone(),
            torch.zeros(1, dtype=torch.int64),
        )
        self.scale = 1.0

    def calibrate(self, generator: Generator) -> None:
        """Choose the scale of the logits from uniform points."""
        margins = self.see(self.targets.boxes.uniform(SAMPLES, generator)[0])
        self.scale = max(float(margins.abs().max()), float(np.finfo(np.float32).tiny)) / LEAD

    def forward(self, images: Tensor) -> Tensor:
        """Logits (points, 2) of images (points, *shape), or of flat points (points, inputs)."""
        boxes = self.targets.boxes
        _, rows, columns = self.image
        shares = images if images.ndim == 2 else images[:, :, :rows, :columns].flatten(1)
        shares = shares[:, : boxes.lower.shape[1]].to(boxes.lower)
        points = (boxes.lower + shares * (boxes.upper - boxes.lower)).clamp(boxes.lower, boxes.upper)
        lead = (self.see(points) / self.scale / 2).to(images)
        # Never two numbers that could be taken for probabilities, as of a leading class and 0.
        return torch.stack([lead, -lead], dim=1)

    def see(self, points: Tensor) -> Tensor:
        """The margins of points (points, inputs); the best is kept.

        Raises:
            FoundError: it is a counterexample.
        """
        index = torch.zeros(len(points), dtype=torch.int64, device=points.device)
        margins = self.targets.margins(points, index)
        self.reached = replace(self.reached, queries=self.reached.queries + len(points))
        best = int(margins.argmin())
        if margins[best] < self.reached.margin[0]:
            margin, point = margins[best : best + 1].detach(), points[best : best + 1].detach().clone()
            self.reached = replace(self.reached, margin=margin, point=point)
            if margin[0] <= 0 and self.targets.confirmed(point, index[:1]).all():
                raise FoundError
        return margins


def search_with_apgd(targets: Targets, _first: int, count: int, generator: Generator) -> Reached:
    """APGD on cross-entropy in the one box of the targets, from `count` uniform starts.

    Its other loss, the difference of logits ratio, is undefined for two classes.
    """
    from art.attacks.evasion import AutoProjectedGradientDescent

    inputs = targets.boxes.lower.shape[1]

    def attack(classifier: Any) -> None:  # noqa: ANN401 (ART has no types)
        apgd = AutoProjectedGradientDescent(
            classifier,
            norm=np.inf,
            eps=0.5,
            eps_step=1.0,
            max_iter=APGD_ITERATIONS,
            nb_random_init=1,
            batch_size=count,
            loss_type="cross_entropy",
            verbose=False,
        )
        apgd.generate(x=np.full((count, inputs), 0.5, dtype=np.float32), y=first_class(count))

    return run(targets, (1, 1, inputs), (inputs,), generator, attack)


def search_with_square(targets: Targets, _first: int, count: int, generator: Generator) -> Reached:
    """Square on the margin in the one box of the targets, from `count` striped starts.

    Inputs without rows and columns are laid out as a square image. Rows and columns that the network does not read
    are added, so that squares fit and every pixel is reached.
    """
    from art.attacks.evasion import SquareAttack

    image = image_of(targets.graph.input_shape, targets.boxes.lower.shape[1])
    side = max(SMALLEST_SIDE, max(image[1:]) + 1)
    shape = (image[0], side, side)

    def attack(classifier: Any) -> None:  # noqa: ANN401 (ART has no types)
        square = SquareAttack(
            classifier,
            loss=lambda x, _: classifier.predict(x, batch_size=count)[:, 0],
            eps=0.5,
            max_iter=SQUARE_ITERATIONS,
            batch_size=count,
            verbose=False,
        )
        square.generate(x=np.full((count, *shape), 0.5, dtype=np.float32), y=first_class(count))

    return run(targets, image, shape, generator, attack)


def run(
    targets: Targets,
    image: tuple[int, int, int],
    shape: tuple[int, ...],
    generator: Generator,
    attack: Callable[[Any], None],
) -> Reached:
    """Let an attack of the library loose on the one box of the targets; what the best of all its queries reached."""
    from art.estimators.classification import PyTorchClassifier

    recorder = Recorder(targets, image)
    classifier = PyTorchClassifier(
        recorder,
        loss=torch.nn.CrossEntropyLoss(),
        input_shape=shape,
        nb_classes=2,
        clip_values=(0.0, 1.0),
        device_type="cpu",  # where its arrays are; the network may be elsewhere
    )
    with contextlib.suppress(FoundError), global_numbers(generator):
        recorder.calibrate(generator)
        attack(classifier)
    return recorder.reached


def image_of(input_shape: tuple[int, ...], inputs: int) -> tuple[int, int, int]:
    """Channels, rows and columns of the network's input, or of the smallest square image that holds it."""
    if len(input_shape) == 4:
        return input_shape[1], input_shape[2], input_shape[3]
    side = int(np.ceil(np.sqrt(inputs)))
    return 1, side, side


def first_class(count: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Labels (count, 2) that say that the first class is right."""
    return np.tile(np.array([1.0, 0.0], dtype=np.float32), (count, 1))


@contextlib.contextmanager
def global_numbers(generator: Generator) -> Iterator[None]:
    """Seed numpy's global numbers, which ART draws from, and put them and torch's back afterwards."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(int(torch.randint(0, 2**32, (1,), generator=generator)))  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
