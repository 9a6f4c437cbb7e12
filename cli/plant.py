"""`soundbench plant`: plant a counterexample into an instance that holds."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .numbers import POSITIVE

if TYPE_CHECKING:
    from soundbench.planted import PlantedInstance

TWINS = ("misaligned", "crowd", "scaled")

_EPILOG = """\b
Examples:
  soundbench plant ACASXU_1_1.onnx prop_3.vnnlib --out planted
  soundbench certify planted
  soundbench evaluate marabou --suite planted
  soundbench plant net.onnx robust.vnnlib --twin crowd --out crowd
  soundbench plant big.onnx robust.vnnlib --assume-holds 'three verifiers agree' --out planted

The suite is a pair: the network with a needle in it that makes the property violated, and a twin whose needle is
disarmed, and which is proven to hold; and, as a control, the first network in a part of the box without needles. The
twin's needle is out of line with itself (misaligned), stands between others of which only one acts at a time (crowd:
that takes branching), or is too weak (scaled: where interval bounds prove what is given). Needles go into the last
dense layers if they allow it, or else into a branch beside the network. Of few inputs none can be hidden as well in
float32, which makes the pair one of the track shallow; an attack's chance is published.

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
@click.option("--twin", type=click.Choice(TWINS), default=TWINS[0], show_default=True, help="How it is disarmed.")
@click.option("--assume-holds", "assumed", metavar="REASON", help="Prove nothing: it holds for this reason.")
@click.option("--timeout", type=POSITIVE, default=60.0, show_default=True, help="Seconds that verifiers get.")
def command(
    network: Path,
    specification: Path,
    out: Path,
    seed: int,
    boxes: int,
    twin: str,
    assumed: str | None,
    timeout: float,
) -> None:
    """Plant a counterexample into NETWORK, of which SPECIFICATION holds: an ONNX and a VNN-LIB file."""
    from soundbench.given import Wanted
    from soundbench.ground_truth import Track, TwinKind
    from soundbench.planted_suite import plant_suite

    wanted = Wanted(network, specification, seed, boxes, assumed, TwinKind(twin))
    planted = plant_suite(wanted, timeout, out, lambda words: click.echo(f"{wanted.name}: {words}", err=True))
    for each in planted:
        for line in _told(each):
            click.echo(f"{each.name}: {line}")
    if planted[0].truth.track is Track.TIGHT:
        click.echo(
            f"{out}: margins below those of the main track, so it is of the track tight and reported apart: evaluate "
            "--level thorough"
        )
    click.echo(f"{out}: check it with: soundbench certify {out}")


def _told(planted: "PlantedInstance") -> list[str]:
    """What is certified of an instance."""
    truth, lines = planted.truth, []
    if truth.witness is not None:
        lines.append(f"violated by at least {truth.witness.margin_rigorous:.3g} at the witness, certified")
    if truth.hiding is not None:
        lines.append(
            f"{truth.hiding.queries:.0e} queries find the needle with probability at most {truth.hiding.chance:.2g} "
            f"(track {truth.track})"
        )
    if truth.proof is not None:
        lines.append(f"proven to hold in {truth.proof.leaves} boxes, with a slack of {truth.proof.slack:.3g}")
    if truth.assumption is not None:
        lines.append(
            f"holds if the given network does ({truth.assumption.reason}), which is assumed: its ground truth is "
            "unknown; nothing is claimed of hiding"
        )
    return lines
