"""`soundbench plant`: plant a counterexample into an instance that holds."""

from pathlib import Path

import click

from .numbers import POSITIVE

_EPILOG = """\b
Examples:
  soundbench plant ACASXU_1_1.onnx prop_3.vnnlib --out planted
  soundbench certify planted
  soundbench evaluate marabou --suite planted
  soundbench plant big.onnx robust.vnnlib --assume-holds 'three verifiers agree' --out planted

The suite is a pair: the network with a needle in it that makes the property violated, and a twin, whose needle is out
of line with itself, and which is proven to hold. The needle goes into the last dense layers if they allow it, or else
into a branch beside the network. Of few inputs none can be hidden as well in float32; an attack's chance is published.

\b
Exit codes: 0 planted; 2 a file cannot be read, an operator not be carried, the property does not hold (a counterexample
is written beside OUT), or is not proven to hold."""


@click.command("plant", epilog=_EPILOG)
@click.argument("network", type=click.Path(path_type=Path))
@click.argument("specification", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new suite's folder.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Where all randomness starts.")
@click.option(
    "--boxes", type=click.IntRange(min=1), default=500, show_default=True, help="Prove within so many boxes at most."
)
@click.option("--assume-holds", "assumed", metavar="REASON", help="Prove nothing: it holds for this reason.")
@click.option("--timeout", type=POSITIVE, default=60.0, show_default=True, help="Seconds that verifiers get.")
def command(
    network: Path, specification: Path, out: Path, seed: int, boxes: int, assumed: str | None, timeout: float
) -> None:
    """Plant a counterexample into NETWORK, of which SPECIFICATION holds: an ONNX and a VNN-LIB file."""
    from soundbench.ground_truth import Track
    from soundbench.plant_into import Wanted
    from soundbench.planted_suite import plant_suite

    wanted = Wanted(network, specification, seed, boxes, assumed)
    armed, twin = plant_suite(wanted, timeout, out, lambda words: click.echo(f"{wanted.name}: {words}", err=True))
    witness, hiding, proof = armed.truth.witness, armed.truth.hiding, twin.truth.proof
    if witness is not None:
        click.echo(f"{armed.name}: violated by at least {witness.margin_rigorous:.3g} at the witness, certified")
    if hiding is not None:
        click.echo(
            f"{armed.name}: {hiding.queries:.0e} queries find the needle with probability at most {hiding.chance:.2g} "
            f"(track {armed.truth.track})"
        )
    if proof is not None:
        click.echo(f"{twin.name}: proven to hold in {proof.leaves} boxes, with a slack of {proof.slack:.3g}")
    if assumed is not None:
        click.echo(f"{twin.name}: computes what {network} does, so its truth is unknown; nothing is claimed of hiding")
    if armed.truth.track is Track.TIGHT:
        click.echo(f"{out}: margins are too small for float32, so it is of the track tight: evaluate --level thorough")
    click.echo(f"{out}: check it with: soundbench certify {out}")
