"""What is in a suite? Every instance described by its files; what its recipe meant comes second, and is compared."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from soundbench.certify import by_network
from soundbench.contradictions import contradicted, unknown_values
from soundbench.coverage import Coverage, Pair, Values, all_values, cover
from soundbench.errors import InputError
from soundbench.ground_truth import GroundTruth, Role
from soundbench.instance import Instance
from soundbench.instance_features import (
    NOWHERE,
    REACHED,
    NetworkRead,
    instance_features,
    instance_numbers,
    read_network,
)
from soundbench.notation_features import notation_features
from soundbench.recorded_recipe import NetworkRecipe, recorded_recipe
from soundbench.replay import require_equal
from soundbench.suite import MANIFEST, Suite, read_json
from soundbench.vnnlib import file_text, parse_property


@dataclass(frozen=True, slots=True)
class DescribedInstance:
    """What the files say of an instance, in words and in numbers, and what its recipe meant it to be.

    `contradictions` has, for each recorded factor that the files contradict, what they say instead.
    """

    name: str
    role: Role
    features: Values
    numbers: Mapping[str, float]
    recorded: Mapping[str, str]
    contradictions: Mapping[str, str]

    @property
    def meant(self) -> Values:
        """The recorded factors."""
        return {factor: (value,) for factor, value in self.recorded.items()}

    @property
    def confirmed(self) -> Values:
        """The recorded factors that the files do not contradict."""
        return {factor: values for factor, values in self.meant.items() if factor not in self.contradictions}


@dataclass(frozen=True, slots=True)
class Description:
    """A suite described.

    `coverage` is of the recorded factors, or of the features where no armed instance has any. `unknown` are the values
    of recorded factors of which files say nothing. `problems` has a line for whatever refutes the ground truth.
    """

    title: str
    files: int
    bytes: int
    networks: int
    instances: tuple[DescribedInstance, ...]
    coverage: Coverage
    unknown: Mapping[str, Sequence[str]]
    problems: tuple[str, ...]


def describe(suite: Suite) -> Description:
    """Read all files of a suite, and say what is in it.

    Raises:
        InputError: a file cannot be read, or does not fit the others.
    """
    recipe, networks = recorded_recipe(suite.root), by_network(suite)
    described: dict[str, DescribedInstance] = {}
    for group in networks:
        truths = [suite.ground_truth.get(instance.name) for instance in group]
        network = read_network(group[0].onnx, truths)
        for instance, truth in zip(group, truths, strict=True):
            described[instance.name] = describe_instance(instance, truth, network, recipe.networks)
    instances = tuple(described[instance.name] for instance in suite.instances)
    files = read_json(suite.root / MANIFEST)["files"]
    return Description(
        title=f"{suite.name} {suite.version}",
        files=len(files),
        bytes=sum((suite.root / name).stat().st_size for name in files),
        networks=len(networks),
        instances=instances,
        coverage=coverage_of(instances, recipe.forbidden),
        unknown=unknown_values(all_values(each.meant for each in instances), recipe.networks),
        problems=tuple(problem for each in instances for problem in problems_of(each)),
    )


def describe_instance(
    instance: Instance, truth: GroundTruth | None, network: NetworkRead, networks: Mapping[str, NetworkRecipe]
) -> DescribedInstance:
    """Describe an instance; `networks` are those of the recipe, by name.

    Raises:
        InputError: the property cannot be read, or does not fit the network.
    """
    text = file_text(instance.vnnlib)
    unsafe = parse_property(text, str(instance.vnnlib))
    for kind, size in (("inputs", unsafe.input_count), ("outputs", unsafe.output_count)):
        require_equal(instance.onnx, kind, int(network.numbers[kind]), size)
    recorded = {} if truth is None else truth.factors
    try:
        features = instance_features(network, notation_features(text), unsafe, truth)
        numbers = instance_numbers(network, unsafe, truth)
    except OverflowError:
        raise InputError(f"{instance.vnnlib}: a number is too large for float64; get the suite again") from None
    role = Role.OTHER if truth is None else truth.role
    contradictions = dict(contradicted(features, recorded, networks))
    return DescribedInstance(instance.name, role, features, numbers, recorded, contradictions)


def coverage_of(instances: Sequence[DescribedInstance], forbidden: Collection[Pair]) -> Coverage:
    """The pairs of values of recorded factors; where no armed instance has any, of the armed ones' features."""
    armed = [each for each in instances if each.role is Role.ARMED]
    if any(each.recorded for each in armed):
        return cover([each.meant for each in instances], [each.confirmed for each in armed], forbidden)
    features = [each.features for each in armed]
    return cover(features, features, forbidden)


def problems_of(instance: DescribedInstance) -> Iterator[str]:
    """A line for each way in which the files refute an instance's ground truth."""
    if NOWHERE in instance.features.get(REACHED, ()):
        yield f"{instance.name}: its witness does not violate the property"
    for factor, found in instance.contradictions.items():
        yield f"{instance.name}: its {factor} is said to be {instance.recorded[factor]}; by its files, {found}"
