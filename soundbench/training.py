"""How a network is trained to hide counterexamples, whatever the method: steps, checks, checkpoints, and when to stop.

A method (`moat`, `published`) says what a step's loss is. Training stops once every planted point withstands the
method's checks several times in a row, or after so many steps.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from soundbench.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from soundbench.dataset import Dataset
from soundbench.errors import CertificateError, InputError
from soundbench.pgd import Boxes, Margins, Schedule, survivors


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A dataset on the device where a network is trained, float32.

    `centres` (boxes, inputs) are those of the boxes before clipping; `signs` (boxes,) are 1 for label 0 and -1 for
    label 1; `witnesses` (armed, inputs) lie in the first boxes; `radius`
    is half a box's width before clipping.
    """

    boxes: Boxes
    centres: Tensor
    signs: Tensor
    witnesses: Tensor
    radius: float
    input_shape: tuple[int, ...]

    @property
    def armed(self) -> int:
        """How many boxes have a counterexample to hide."""
        return len(self.witnesses)

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return self.witnesses.shape[1]

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.signs.device

    def margins(self, network: nn.Module) -> Margins:
        """The lead of the right logit, of points (points, inputs) in the boxes of these indices (points,)."""

        def margins_of(points: Tensor, index: Tensor) -> Tensor:
            logits = network(points.reshape(-1, *self.input_shape))
            lead: Tensor = (logits[:, 0] - logits[:, 1]) * self.signs[index]
            return lead

        return margins_of


def problem_of(dataset: Dataset, input_shape: tuple[int, ...], device: torch.device) -> Problem:
    """A dataset as tensors on a device."""
    lower, upper, centres, witnesses = (
        torch.tensor(array, dtype=torch.float32, device=device)
        for array in (dataset.lower, dataset.upper, dataset.centres, dataset.witnesses)
    )
    signs = 1.0 - 2.0 * torch.tensor(dataset.labels, dtype=torch.float32, device=device)
    return Problem(Boxes(lower, upper), centres, signs, witnesses, dataset.radius, input_shape)


class Diverged(CertificateError):
    """The loss is not finite any more."""


@dataclass(frozen=True, slots=True)
class Check:
    """Attacks that planted points must withstand: a grid, in a recipe's pairs, and the restarts of each."""

    grid: Sequence[Sequence[float]]
    restarts: int


def grid_of(pairs: Sequence[Sequence[float]]) -> tuple[Schedule, ...]:
    """The schedules of a recipe's pairs: a step in radii, and a number of iterations."""
    return tuple(Schedule(float(step), int(iterations)) for step, iterations in pairs)


def grid_problem(pairs: Sequence[Sequence[float]]) -> bool:
    """Whether pairs are no grid, or have a schedule twice."""
    if not pairs or any(len(pair) != 2 or pair[0] <= 0 or pair[1] < 0 or pair[1] % 1 for pair in pairs):
        return True
    names = [schedule.name for schedule in grid_of(pairs)]
    return len(set(names)) < len(names)


class Method(Protocol):
    """What a training method decides; all numbers are parameters of a recipe."""

    @property
    def steps(self) -> int:
        """After how many steps training ends at the latest."""

    @property
    def check_every(self) -> int:
        """How many steps lie between two checks."""

    @property
    def patience(self) -> int:
        """How often in a row all planted points must withstand the checks for training to end early; 0 for never."""

    @property
    def largest_gradient(self) -> float:
        """To which norm gradients are clipped."""

    def checks(self) -> Sequence[Check]:
        """What planted points must withstand, the quickest first."""

    def prepare(self, network: nn.Sequential, problem: Problem, generator: Generator) -> nn.Sequential:
        """The network to be trained, made of one with torch's random weights."""

    def finish(self, network: nn.Sequential, original: nn.Sequential) -> nn.Sequential:
        """The network to be used, made of the trained one; `original` has the layers that it was built with."""

    def learning_rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""

    def differentiate(
        self, network: nn.Sequential, problem: Problem, memory: Tensor | None, step: int, generator: Generator
    ) -> tuple[float, Tensor]:
        """Set the weights' gradients for a step; return its loss, and what to remember (nothing before the first)."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where training stands at a check; `seconds` are of this run only, which made `steps_made` of the steps."""

    step: int
    steps: int
    loss: float
    hidden: int
    armed: int
    steps_made: int
    seconds: float


# A line for every check: step, loss, and how many planted points withstood it.
Log = list[Mapping[str, float]]


@dataclass(slots=True, eq=False)
class Training:
    """A training on its way: what changes from step to step, all of which a checkpoint keeps."""

    network: nn.Sequential
    optimizer: torch.optim.Adam
    generator: Generator
    log: Log
    memory: Tensor | None = None
    step: int = 0
    streak: int = 0


def train(
    network: nn.Sequential,
    method: Method,
    problem: Problem,
    seed: int,
    *,
    checkpoint: Path,
    identity: str,
    report: Callable[[Status], None],
) -> tuple[nn.Sequential, Log]:
    """Train a network, which is changed; return the one to be used, in evaluation mode, and the log of its checks.

    The state is saved to `checkpoint` at every check, and is taken up again from there if the file exists. `identity`
    names what is trained, recipe and seed: a checkpoint of another is refused.

    Raises:
        InputError: the checkpoint is damaged, or that of another recipe or seed.
        Diverged: the loss is not finite any more.
    """
    training = start(network, method, problem, seed)
    if checkpoint.exists():
        saved = load_checkpoint(checkpoint, identity)
        try:
            restore(training, saved)
        except (KeyError, ValueError, RuntimeError) as error:
            raise InputError(
                f"{checkpoint}: does not fit the network ({error}); remove it to train from the start"
            ) from None
    first, began = training.step, time.monotonic()
    while training.step < method.steps and not 0 < method.patience <= training.streak:
        loss = advance(training, method, problem)
        if not math.isfinite(loss):
            raise Diverged(f"the loss is {loss} after step {training.step}; lower the peak_rate")
        if training.step % method.check_every and training.step < method.steps:
            continue
        if not all(bool(parameter.isfinite().all()) for parameter in training.network.parameters()):
            raise Diverged(f"weights are not finite after step {training.step}; lower the peak_rate")
        hidden = checked(training.network, method, problem, training.step)
        training.streak = training.streak + 1 if bool(hidden.all()) else 0
        training.log = [*training.log, {"step": training.step, "loss": loss, "hidden": int(hidden.sum())}]
        save_checkpoint(checkpoint, snapshot(training, identity))
        report(
            Status(
                training.step,
                method.steps,
                loss,
                int(hidden.sum()),
                problem.armed,
                training.step - first,
                time.monotonic() - began,
            )
        )
    return method.finish(training.network.eval(), network).eval(), training.log


def start(network: nn.Sequential, method: Method, problem: Problem, seed: int) -> Training:
    """The state before the first step."""
    generator = torch.Generator().manual_seed(seed)
    prepared = method.prepare(network.to(problem.device), problem, generator)
    optimizer = torch.optim.Adam(prepared.parameters(), lr=method.learning_rate(0), fused=True)
    return Training(prepared, optimizer, generator, [])


def advance(training: Training, method: Method, problem: Problem) -> float:
    """Make one step; return its loss."""
    network = training.network
    for group in training.optimizer.param_groups:
        group["lr"] = method.learning_rate(training.step)
    training.optimizer.zero_grad()
    loss, training.memory = method.differentiate(network, problem, training.memory, training.step, training.generator)
    if math.isfinite(method.largest_gradient):
        nn.utils.clip_grad_norm_(network.parameters(), method.largest_gradient)
    training.optimizer.step()
    training.step += 1
    return loss


def checked(network: nn.Sequential, method: Method, problem: Problem, step: int) -> Tensor:
    """Which planted points are hidden as far as the method's checks can tell, (armed,)."""
    network.eval()
    hidden = is_planted(network, problem)
    for check in method.checks():
        attacked = withstood(network, problem, check.restarts, step, grid_of(check.grid))
        hidden &= attacked
        if not bool(hidden.all()):
            break
    return hidden


def is_planted(network: nn.Sequential, problem: Problem) -> Tensor:
    """Where the centre is classified rightly and the planted point wrongly, (armed,)."""
    index = torch.arange(problem.armed, device=problem.device)
    margins = problem.margins(network)
    with torch.no_grad():
        return (margins(problem.centres[index], index) > 0) & (margins(problem.witnesses, index) < 0)


def withstood(network: nn.Sequential, problem: Problem, restarts: int, seed: int, grid: Sequence[Schedule]) -> Tensor:
    """In which armed boxes no attack of a grid finds a counterexample, (armed,)."""
    index = torch.arange(problem.armed, device=problem.device)
    results = survivors(
        problem.margins(network),
        problem.boxes.take(index),
        half_width=problem.radius,
        restarts=restarts,
        seed=seed,
        grid=grid,
    )
    survived = torch.ones(problem.armed, dtype=torch.bool, device=problem.device)
    for reached in results.values():
        survived &= reached.margin > 0
    return survived


def snapshot(training: Training, identity: str) -> Checkpoint:
    """All that changes during training, as a checkpoint."""
    tensors = {f"network.{key}": value for key, value in training.network.state_dict().items()}
    for number, state in training.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{key}": value for key, value in state.items()}
    tensors["generator"] = training.generator.get_state()
    if training.memory is not None:
        tensors["memory"] = training.memory
    return Checkpoint(identity, training.step, training.streak, training.log, tensors)


def restore(training: Training, saved: Checkpoint) -> None:
    """Continue from a checkpoint of the same recipe and seed."""
    training.network.load_state_dict(saved.part("network"))
    optimizer = training.optimizer.state_dict()
    numbers = range(len(optimizer["param_groups"][0]["params"]))
    optimizer["state"] = {number: saved.part(f"optimizer.{number}") for number in numbers}
    training.optimizer.load_state_dict(optimizer)
    training.generator.set_state(saved.tensors["generator"])
    device = next(training.network.parameters()).device
    training.memory = saved.tensors["memory"].to(device) if "memory" in saved.tensors else None
    training.step, training.streak, training.log = saved.step, saved.streak, list(saved.log)
