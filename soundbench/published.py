"""The published training of SoundnessBench (arXiv 2412.03154): two objectives against each other.

Cross-entropy on adversarial points that a sliding window remembers, so that attacks find nothing, and a hinge on the
planted points, so that they stay counterexamples. An epoch is a step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from soundbench.pgd import PUBLISHED_GRID, descend
from soundbench.training import Check, Problem, grid_problem

# The published battery: steps in radii, and iterations.
PUBLISHED_PAIRS = tuple((each.step_share, float(each.iterations)) for each in PUBLISHED_GRID)


@dataclass(frozen=True, slots=True)
class Published:
    """The numbers of the published training, each a key of a recipe.

    The learning rate climbs to `peak_rate` over `warm_up` of all steps, then falls to zero. Each step attacks every
    box with `attack_restarts` restarts of `attack_iterations` steps of `attack_step` radii. Planted points are asked
    to be wrong by `margin`. Every `check_every` steps they have to withstand the light grid, then the strong one: pairs
    of a step in radii and a number of iterations, with so many restarts.
    """

    steps: int = 10_000
    peak_rate: float = 1e-3
    warm_up: float = 0.4
    margin: float = 0.01
    window: int = 300
    attack_restarts: int = 75
    attack_iterations: int = 75
    attack_step: float = 0.1
    largest_gradient: float = 10.0
    check_every: int = 200
    light_grid: tuple[tuple[float, ...], ...] = ((0.25, 0), (0.25, 100))
    light_restarts: int = 75
    strong_grid: tuple[tuple[float, ...], ...] = PUBLISHED_PAIRS
    strong_restarts: int = 75
    patience: int = 1

    def problems(self) -> Mapping[str, bool]:
        """What no training can have, and whether these numbers ask for it."""
        counts = (self.steps, self.window, self.check_every, self.patience, self.attack_restarts)
        return {
            "steps, window, attacks and checks must be positive": min(counts) < 1,
            "grids must be lists of [step, iterations], none twice": grid_problem(self.light_grid)
            or grid_problem(self.strong_grid),
            "restarts of checks must be positive": min(self.light_restarts, self.strong_restarts) < 1,
            "warm_up must lie in (0, 1)": not 0 < self.warm_up < 1,
            "attack_iterations must not be negative": self.attack_iterations < 0,
            "peak_rate, attack_step and largest_gradient must be positive": min(
                self.peak_rate, self.attack_step, self.largest_gradient
            )
            <= 0,
            "margin must not be negative": self.margin < 0,
        }

    def checks(self) -> Sequence[Check]:
        """A light check, then the whole battery."""
        return Check(self.light_grid, self.light_restarts), Check(self.strong_grid, self.strong_restarts)

    def learning_rate(self, step: int) -> float:
        """Linear up, linear down."""
        peak = self.warm_up * self.steps
        share = (step + 1) / peak if step + 1 <= peak else (self.steps - step) / (self.steps - peak)
        return self.peak_rate * min(1.0, share)

    def prepare(self, network: nn.Sequential, problem: Problem, generator: Generator) -> nn.Sequential:  # noqa: ARG002 (nothing is changed)
        """The published training starts from torch's own random weights."""
        return network

    def finish(self, network: nn.Sequential, original: nn.Sequential) -> nn.Sequential:  # noqa: ARG002 (nothing is changed)
        """The trained network as it is."""
        return network

    def differentiate(
        self,
        network: nn.Sequential,
        problem: Problem,
        memory: Tensor | None,
        step: int,  # noqa: ARG002 (every step is alike)
        generator: Generator,
    ) -> tuple[float, Tensor]:
        """Attack every box, then set the gradients of cross-entropy on all remembered points, and of the hinge.

        The memory is the window of attacks, (attacks, boxes, inputs).
        """
        found = self.attack(network, problem, generator)[None]
        window = found if memory is None else torch.cat([memory, found])[-self.window :]
        loss = self.loss(network, problem, window)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach()), window

    def attack(self, network: nn.Module, problem: Problem, generator: Generator) -> Tensor:
        """The strongest point of every box, (boxes, inputs)."""
        network.eval()
        reached = descend(
            problem.margins(network),
            problem.boxes,
            step=self.attack_step * problem.radius,
            iterations=self.attack_iterations,
            restarts=self.attack_restarts,
            generator=generator,
        )
        return reached.point

    def loss(self, network: nn.Module, problem: Problem, window: Tensor) -> Tensor:
        """Cross-entropy on centres and remembered points, plus the hinge on planted points."""
        network.train()
        points = torch.cat([problem.centres, window.flatten(0, 1)])
        index = torch.arange(len(problem.boxes), device=problem.device).repeat(1 + len(window))
        planted = torch.arange(problem.armed, device=problem.device)
        margins = problem.margins(network)(torch.cat([points, problem.witnesses]), torch.cat([index, planted]))
        # With two classes the cross-entropy is the softplus of the negative margin.
        attacked = functional.softplus(-margins[: len(points)]).mean()
        return attacked + torch.relu(margins[len(points) :] + self.margin).mean()
