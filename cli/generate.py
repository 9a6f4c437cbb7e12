"""`soundbench generate`: make suites from a recipe and a seed."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soundbench.errors import InputError, SoundbenchError, one_line

from .errors import exit_code_of
from .shipped import shipped_folder

if TYPE_CHECKING:
    from soundbench.trained_suite import Made

_EPILOG = """\b
Examples:
  soundbench generate core --out my-suite --seed 7 --jobs 2
  soundbench generate my-recipe.toml --out my-suite
  soundbench generate core --sealed --out competition --jobs 2
  soundbench generate paper --out trained --only 'cnn_1_conv_*' --jobs 2

The same recipe and seed give the same suite; another seed gives other networks, boxes and witnesses. A recipe of
trained networks (paper) gives a folder with a suite for each network; stopped, the same command goes on. What --sealed
withholds goes to OUT.sealed.json, see `soundbench open`.

\b
Exit codes: 0 all is made; 1 a training ended with no hidden counterexample; 2 wrong usage or recipe."""

_TRAINED = "(Trained networks only.)"


@click.command("generate", epilog=_EPILOG)
@click.argument("recipe")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new folder to write to.")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Where all randomness starts. Default: 0; if sealed, a secret one."
)
@click.option("--sealed", is_flag=True, help="Withhold the ground truth; nothing tells the members of a pair apart.")
@click.option("--only", multiple=True, metavar="PATTERN", help=f"Make the models whose names match. {_TRAINED}")
@click.option(
    "--method",
    type=click.Choice(["moat", "paper"]),
    help=f"How to train: a shaped margin, or the published loss, which takes hours. Default: moat. {_TRAINED}",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Make this many networks at a time. Default: 1.")
@click.option("--device", metavar="NAME", help=f"cpu, cuda or cuda:N. Default: cpu. {_TRAINED}")
def command(
    recipe: str,
    out: Path,
    seed: int | None,
    sealed: bool,
    only: tuple[str, ...],
    method: str | None,
    jobs: int | None,
    device: str | None,
) -> None:
    """Make the suites of RECIPE: a TOML file, or the name of a recipe that ships (core, paper)."""
    from soundbench.toml_file import read_toml

    path = recipe_path(recipe)
    if "model" in read_toml(path):
        if sealed:
            raise InputError(
                f"{path}: trained networks come in no pairs; seal a suite when it is made: soundbench seal"
            )
        _train(path, out, seed or 0, only, method or "moat", jobs or 1, device or "cpu")
        return
    given = {"--only": only, "--method": method, "--device": device}
    for name, value in given.items():
        if value:
            raise InputError(f"{path}: has no networks to train, for which {name} is; leave it out")
    if sealed:
        _plant_sealed(path, out, seed, jobs or 1)
    else:
        _plant(path, out, seed or 0, jobs or 1)


def recipe_path(name: str) -> Path:
    """The file of a recipe: itself, or the shipped one of that name."""
    shipped = shipped_folder() / f"{name}.toml"
    return shipped if not Path(name).suffix and shipped.is_file() else Path(name)


def _plant(path: Path, out: Path, seed: int, jobs: int) -> None:
    from soundbench.generate import generate, read_source

    from .progress import steps

    source = read_source(path, seed)
    with steps(len(source.plans)) as done:
        count = generate(source, out, done, jobs)
    click.echo(f"{out}: {count} instances, every one certified; check them again with: soundbench certify {out}")


def _plant_sealed(path: Path, out: Path, seed: int | None, jobs: int) -> None:
    from soundbench.generate import read_source
    from soundbench.generate_sealed import generate_sealed, secret_seed

    from .progress import steps
    from .seal import sealed_file_of, tell_sealed

    source, file = read_source(path, secret_seed() if seed is None else seed), sealed_file_of(out)
    with steps(len(source.plans)) as done:
        count = generate_sealed(source, out, file, done, jobs)
    tell_sealed(out, file, count)


def _train(path: Path, out: Path, seed: int, only: tuple[str, ...], method: str, jobs: int, device: str) -> None:
    from soundbench.collection import chosen_models, make_collection, missing_models
    from soundbench.trained_recipe import read_trained_recipe
    from soundbench.trained_suite import Made, TrainedSource
    from soundbench.training import Status

    from .progress import trainings

    recipe = read_trained_recipe(path, method)
    source = TrainedSource(recipe, path.read_text(encoding="utf-8"), method, seed)
    models = chosen_models(recipe.models, only)
    missing = missing_models(source, models, out)
    if len(missing) < len(models):
        click.echo(f"{out}: {len(models) - len(missing)} of {len(models)} suites are there already", err=True)
    failed: list[SoundbenchError] = []
    with trainings() as show:
        for news in make_collection(source, missing, out, device, jobs):
            match news.content:
                case Status() | str():
                    show(news.model.name, news.content)
                case Made():
                    show(news.model.name, None)
                    _report(out / news.model.name, news.content)
                case SoundbenchError():
                    show(news.model.name, None)
                    click.echo(f"soundbench: {one_line(news.content)}", err=True)
                    failed.append(news.content)
    if failed:
        sys.exit(max(exit_code_of(error) for error in failed))


def _report(folder: Path, made: "Made") -> None:
    click.echo(
        f"{folder}: {made.hidden} of {made.armed} counterexamples are hidden and certified; "
        f"{made.proven} of {made.clean} clean instances are proven to hold, the others of unknown truth"
    )
    for words in made.left_out:
        click.echo(f"  left out: {words}")
