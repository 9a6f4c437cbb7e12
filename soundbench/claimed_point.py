"""Which point does a counterexample mean? It is read in either of the two forms, told apart by the content."""

from fractions import Fraction

from soundbench.assignment import is_assignment, parse_assignment
from soundbench.counterexample import parse_counterexample
from soundbench.errors import InputError
from soundbench.replay import OpenNetwork


def claimed_point(text: str, network: OpenNetwork, source: str) -> tuple[Fraction, ...]:
    """The exact values of the inputs, shape (inputs,), that a counterexample gives for a network.

    Args:
        text: What a verifier wrote; nothing in it is trusted.
        network: The network that it is about.
        source: What error messages call the text.

    Raises:
        InputError: it is in neither form, or does not give every input one finite number.
    """
    if is_assignment(text):
        return parse_assignment(text, network.interface, source)
    if "(" not in text:
        raise InputError(
            f"{source}: in neither form of counterexamples; write ((X_0 0.5)), or X float32 [1,1] and 0.5 below"
        )
    return parse_counterexample(text, network.session.input_count, source)
