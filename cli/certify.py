"""`soundbench certify`: check every certificate of a suite again, from its files alone."""

from pathlib import Path

import click

from .shipped import core_suite

_EPILOG = """\b
Examples:
  soundbench certify my-suite
  soundbench certify                    (the suite that ships)

\b
Exit codes: 0 every certificate holds; 1 one does not (the first is named); 2 the suite cannot be read, or one of its
networks not be run."""


@click.command("certify", epilog=_EPILOG)
@click.argument("suite", type=click.Path(path_type=Path), required=False)
def command(suite: Path | None) -> None:
    """Check SUITE's witnesses, proofs and hiding bounds again, in rigorous arithmetic."""
    from soundbench.certify import certify_suite
    from soundbench.ground_truth import Expected
    from soundbench.suite import load_suite
    from soundbench.tried_network import demand_runnable

    from .progress import steps

    loaded = load_suite(suite or core_suite())
    demand_runnable(list(dict.fromkeys(instance.onnx for instance in loaded.instances)))
    with steps(len(loaded.instances)) as done:
        counts = certify_suite(loaded, done)
    click.echo(
        f"{loaded.root}: certified {counts[Expected.VIOLATED]} violated and {counts[Expected.HOLDS]} holding "
        f"instances; {counts[Expected.UNKNOWN]} of unknown ground truth"
    )
    for name, truth in loaded.ground_truth.items():
        if truth.assumption is not None:
            click.echo(f"{name}: assumed to hold, not proven: {truth.assumption.reason} (its needle rests, proven)")
    if loaded.commitment is not None:
        state = (
            "the ground truth that it committed to" if loaded.ground_truth else "sealed: its ground truth is withheld"
        )
        click.echo(f"{loaded.root}: {state}")
