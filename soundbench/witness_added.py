"""Which counterexamples become witnesses of a suite? Those of files or of results, as far as they are certified."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundbench.certify import by_network
from soundbench.errors import CertificateError, InputError
from soundbench.found_results import ENDINGS, FoundResults, read_text
from soundbench.found_witness import FAMILY, Question, unknown_truth, with_witness
from soundbench.ground_truth import GroundTruth
from soundbench.replay import OpenNetwork
from soundbench.suite import Suite, replace_ground_truth
from soundbench.tried_network import demand_runnable
from soundbench.vnnlib import read_property


@dataclass(frozen=True, slots=True)
class Tried:
    """A counterexample's file, the instance that it is of, and why it is not certified; None if it is.

    The reason is an `InputError` where the file is no counterexample in either form. `is_new`: the instance had no
    witness before.
    """

    file: Path
    instance: str
    refusal: CertificateError | InputError | None
    is_new: bool


def add_witnesses(
    suite: Suite, files: Sequence[tuple[str, Path]], progress: Callable[[str], None]
) -> tuple[Tried, ...]:
    """Try the counterexamples, pairs of an instance and a file, and add those that are certified to the ground truth.

    The first of an instance that is certified becomes its witness. `progress` is told each instance's name.

    Raises:
        InputError: the suite cannot be read or written, or its ground truth is what it has committed to.
        HarnessError: one is certified of an instance that is proven to hold.
    """
    if suite.commitment is not None:
        raise InputError(
            f"{suite.root}: was sealed, and a new witness is not what it has committed to; keep it beside"
            " the suite, where `soundbench score` can judge it"
        )
    truth = dict(suite.ground_truth)
    tried = []
    try:
        for each, known in _tried(suite, files, truth):
            truth[each.instance] = known
            tried.append(each)
            progress(each.instance)
    finally:
        # What is certified stays so, whatever comes of a later one.
        if any(each.is_new for each in tried):
            replace_ground_truth(suite.root, truth)
    return tuple(tried)


def counterexamples_of(results: Sequence[FoundResults]) -> list[tuple[str, Path]]:
    """The counterexamples of several verifiers, as `add_witnesses` takes them."""
    return [(instance, file) for found in results for instance, file in found.counterexamples.items()]


def instance_of(suite: Suite, file: Path) -> str:
    """The instance that a counterexample's file is named after.

    Raises:
        InputError: there is none, or several.
    """
    stem = next((file.name.removesuffix(each) for each in ENDINGS if file.name.endswith(each)), file.stem)
    names = {each.name for each in suite.instances}
    named = {stem} & names
    for instance in suite.instances if not named else ():
        network = instance.onnx.stem
        if stem in (f"{network}_{instance.name}", instance.name):
            named.add(instance.name)
    if len(named) != 1:
        raise InputError(f"{file}: which instance it is of is not told by its name; name it with --instance")
    return named.pop()


def _tried(
    suite: Suite, files: Sequence[tuple[str, Path]], truth: Mapping[str, GroundTruth]
) -> Iterator[tuple[Tried, GroundTruth]]:
    of_instance: dict[str, list[Path]] = defaultdict(list)
    for name, file in files:
        of_instance[name].append(file)
    demand_runnable(list(dict.fromkeys(each.onnx for each in suite.instances if each.name in of_instance)))
    for group in by_network(suite):
        asked = [instance for instance in group if instance.name in of_instance]
        if not asked:
            continue
        network = OpenNetwork(asked[0].onnx)
        for instance in asked:
            unsafe = read_property(instance.vnnlib)
            known = truth.get(instance.name, unknown_truth(instance.onnx.stem, FAMILY))
            for file in of_instance[instance.name]:
                question = Question(instance, network, unsafe, known)
                try:
                    refusal: CertificateError | InputError | None = None
                    known = with_witness(question, read_text(file), str(file))
                except (CertificateError, InputError) as error:
                    refusal = error
                yield Tried(file, instance.name, refusal, known is not question.truth), known
