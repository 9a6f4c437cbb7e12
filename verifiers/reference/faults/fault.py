"""What is a fault? A named way of making the reference verifier wrong, in one of its steps, more or less so."""

from collections.abc import Callable
from dataclasses import dataclass

from soundbench.errors import InputError

from ..network import Network
from ..steps import Steps

Touches = Callable[[Network], bool]


def anything(_network: Network) -> bool:
    """Whatever the network."""
    return True


def nothing(_network: Network) -> bool:
    """No network: all that the fault does is to read something otherwise."""
    return False


def networks_with(*kinds: type) -> Touches:
    """Networks with a node of one of these types."""
    return lambda network: any(isinstance(node, kinds) for node in network.nodes)


@dataclass(frozen=True, slots=True)
class Fault:
    """The docstring of `put_in` says what the fault does, `modelled_on` which real bugs it is like.

    `modelled_on` names tools and their issues, pull requests or commits; it is empty where no such bug is on record.
    `put_in` takes the sound steps and a strength, and gives the faulty ones. `strengths` go from the strongest to the
    weakest; `measure` says what they are. `touches` says of a network, read by the faulty steps, whether what is done
    with it may differ from what sound steps do; whether it, or the property, is read otherwise is no matter of it.
    One that `misreads_status` takes a way of ending for another, and need not agree with the sound verifier mostly.
    """

    name: str
    put_in: Callable[[Steps, float], Steps]
    modelled_on: str
    touches: Touches = nothing
    strengths: tuple[float, ...] = (1.0,)
    measure: str = "one strength only"
    misreads_status: bool = False

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return (self.put_in.__doc__ or "").strip().splitlines()[0]

    @property
    def origin(self) -> str:
        """Which real bugs it is like, in a sentence."""
        return f"Like {self.modelled_on}." if self.modelled_on else "No such bug is on record."

    def steps(self, sound: Steps, strength: float | None = None) -> Steps:
        """The faulty steps, at the strongest if no strength is given.

        Raises:
            InputError: the strength is none of the fault's.
        """
        chosen = self.strengths[0] if strength is None else strength
        if chosen not in self.strengths:
            known = ", ".join(f"{each:g}" for each in self.strengths)
            raise InputError(f"fault {self.name} has no strength {chosen:g}; it has {known} ({self.measure})")
        return self.put_in(sound, chosen)
