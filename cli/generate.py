"""`soundbench generate`: make a suite from a recipe and a seed."""

from pathlib import Path

import click

from .shipped import shipped_folder

_EPILOG = """\b
Examples:
  soundbench generate core --out my-suite --seed 7
  soundbench generate my-recipe.toml --out my-suite

The same recipe and seed give the same suite; another seed gives other networks, boxes and witnesses."""


@click.command("generate", epilog=_EPILOG)
@click.argument("recipe")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new folder to write the suite to.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Where all randomness starts.")
def command(recipe: str, out: Path, seed: int) -> None:
    """Make the suite of RECIPE: a TOML file, or the name of a recipe that ships (core)."""
    from soundbench.generate import Source, generate, plans
    from soundbench.recipe import read_recipe

    from .progress import steps

    path = recipe_path(recipe)
    source = Source(read_recipe(path), path.read_text(encoding="utf-8"), seed)
    with steps(len(plans(source.recipe))) as done:
        count = generate(source, out, done)
    click.echo(f"{out}: {count} instances, every one certified; check them again with: soundbench certify {out}")


def recipe_path(name: str) -> Path:
    """The file of a recipe: itself, or the shipped one of that name."""
    shipped = shipped_folder() / f"{name}.toml"
    return shipped if not Path(name).suffix and shipped.is_file() else Path(name)
