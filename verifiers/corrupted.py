"""What if a real verifier were given other files than ours, or its answer were read otherwise? A verifier around one.

Tools that we did not write cannot be made wrong from inside; what goes in and what comes out can.
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from soundbench.claim import Answer, Claim, Ending
from soundbench.graph import load_onnx
from soundbench.instance import Instance, Property
from soundbench.replay import open_onnx
from soundbench.verifier import Selection, Task, Verifier
from soundbench.vnnlib import file_text, parse_property
from soundbench.vnnlib2_parser import is_query
from soundbench.vnnlib_writing import format_property, format_query

if TYPE_CHECKING:
    from onnx import ModelProto

# What such a tool gets instead: None where there is nothing to corrupt.
OtherProperty = Callable[[Property], Property | None]
OtherNetwork = Callable[["ModelProto"], "ModelProto | None"]


class Corrupted(Verifier):
    """Runs another verifier as that one would run; subclasses come in between."""

    name = "corrupted"
    summary = "another verifier, corrupted"

    def __init__(self, verifier: Verifier) -> None:
        super().__init__(Selection(f"{verifier.label}, corrupted"))
        self.needs = verifier.needs
        self.verifier = verifier

    @abstractmethod
    def touches(self, instance: Instance, claim: Claim) -> bool:
        """Whether it can make a difference to an instance of which the other verifier claims this.

        Raises:
            InputError: the instance's files cannot be read.
        """

    def preparation(self, task: Task) -> list[str] | None:
        """The other one's."""
        return self.verifier.preparation(task)

    def command(self, task: Task) -> list[str]:
        """The other one's."""
        return self.verifier.command(task)

    def environment(self, task: Task) -> Mapping[str, str]:
        """The other one's."""
        return self.verifier.environment(task)

    def read_answer(self, task: Task, ending: Ending, log: str) -> Answer:
        """The other one's."""
        return self.verifier.read_answer(task, ending, log)

    def version(self) -> str:
        """The other one's."""
        return self.verifier.version()

    def is_installed(self) -> bool:
        """Whether the other one is."""
        return self.verifier.is_installed()


class CorruptedProperty(Corrupted):
    """It is asked another property, written anew: in the same VNN-LIB, but in the plainest notation."""

    def __init__(self, verifier: Verifier, change: OtherProperty) -> None:
        super().__init__(verifier)
        self._change = change

    def touches(self, instance: Instance, claim: Claim) -> bool:  # noqa: ARG002 (whatever the claim)
        """Whether there is something to corrupt."""
        return self._text(instance.vnnlib, instance.onnx) is not None

    def preparation(self, task: Task) -> list[str] | None:
        """Before anything of the other one runs, the property is another."""
        text = self._text(task.vnnlib, task.onnx)
        if text is not None:
            task.vnnlib.write_text(text, encoding="utf-8")
        return super().preparation(task)

    def _text(self, vnnlib: Path, onnx: Path) -> str | None:
        text = file_text(vnnlib)
        changed = self._change(parse_property(text, str(vnnlib)))
        if changed is None:
            return None
        return format_query(changed, open_onnx(onnx).interface()) if is_query(text) else format_property(changed)


class CorruptedNetwork(Corrupted):
    """It is asked about another network."""

    def __init__(self, verifier: Verifier, change: OtherNetwork) -> None:
        super().__init__(verifier)
        self._change = change

    def touches(self, instance: Instance, claim: Claim) -> bool:  # noqa: ARG002 (whatever the claim)
        """Whether there is something to corrupt."""
        return self._change(load_onnx(instance.onnx)) is not None

    def preparation(self, task: Task) -> list[str] | None:
        """Before anything of the other one runs, the network is another."""
        changed = self._change(load_onnx(task.onnx))
        if changed is not None:
            task.onnx.write_bytes(changed.SerializeToString(deterministic=True))
        return super().preparation(task)


class CorruptedClaim(Corrupted):
    """Some of its claims are taken for `verified`. Of a tool that is stopped at the time limit nothing is taken."""

    def __init__(self, verifier: Verifier, claims: Collection[Claim]) -> None:
        super().__init__(verifier)
        self._claims = claims

    def touches(self, instance: Instance, claim: Claim) -> bool:  # noqa: ARG002 (whatever the instance)
        """Whether the claim is such a one."""
        return claim in self._claims

    def read_answer(self, task: Task, ending: Ending, log: str) -> Answer:
        """The other one's, or `verified`."""
        answer = super().read_answer(task, ending, log)
        return Answer(Claim.VERIFIED, answer.raw) if answer.claim in self._claims else answer
