"""How all models of a recipe are made, or some of them: a suite each, several at a time; what is there is kept."""

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from soundbench.attack_suite import find_device
from soundbench.errors import InputError, SoundbenchError
from soundbench.parallel import Message, run_parallel
from soundbench.suite import MANIFEST, load_suite, read_json
from soundbench.trained_recipe import Model
from soundbench.trained_suite import Made, Report, TrainedSource, made_by, make_trained_suite
from soundbench.training import Status

# What tells, in its manifest, from what a suite was made.
KEYS = ("name", "version", "method", "settings", "seed")


@dataclass(frozen=True, slots=True)
class News:
    """What happens to a model: where its training or its attacks stand, what was made of it, or why nothing was."""

    model: Model
    content: Status | str | Made | SoundbenchError


def chosen_models(models: Sequence[Model], patterns: Sequence[str]) -> list[Model]:
    """The models whose names match one of the patterns, as of files; all if there are none.

    Raises:
        InputError: a pattern matches none.
    """
    for pattern in patterns:
        if not fnmatch.filter([model.name for model in models], pattern):
            listed = ", ".join(model.name for model in models)
            raise InputError(f"--only: no model matches {pattern!r}; there are: {listed}")
    return [
        model for model in models if not patterns or any(fnmatch.fnmatchcase(model.name, each) for each in patterns)
    ]


def missing_models(source: TrainedSource, models: Sequence[Model], out: Path) -> list[Model]:
    """The models whose suites are not in the folder yet.

    Raises:
        InputError: a folder of a model's name is there that is not its suite of this recipe, method and seed, whole.
    """
    missing = []
    for model in models:
        folder = out / model.name
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            missing.append(model)
            continue
        load_suite(folder)
        manifest, wanted = read_json(folder / MANIFEST), made_by(source, model)
        if any(manifest.get(key) != wanted[key] for key in KEYS):
            raise InputError(
                f"{folder}: made by another recipe, method or seed; name another folder with --out, or remove it"
            )
    return missing


def make_collection(
    source: TrainedSource, models: Sequence[Model], out: Path, device: str, jobs: int
) -> Iterator[News]:
    """Make the models' suites in the folder `out`, `jobs` at a time; yield what happens as it does.

    Checkpoints lie in `out` too until a suite is complete, so that the same call goes on with what was begun.
    """
    find_device(device)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); name another folder with --out") from None
    tasks = [partial(_make, source, model, out / model.name, device) for model in models]
    for message in run_parallel(tasks, jobs):
        yield _news(models[message.task], message)


def _make(source: TrainedSource, model: Model, out: Path, device: str, tell: Report) -> Made:
    return make_trained_suite(source, model, out, find_device(device), tell)


def _news(model: Model, message: Message) -> News:
    content = message.content
    if not isinstance(content, Status | str | Made | SoundbenchError):
        raise TypeError(f"{model.name}: {content!r} is no news")
    return News(model, content)
