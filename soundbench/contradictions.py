"""Do the files of an instance say what its recorded factors say?

A value of a factor means features that can be read from network, property and witness (see the modules named
`*_features`). Of some nothing can be read: how hard an instance is meant to be, or a network of the user's own.
"""

from collections.abc import Collection, Iterator, Mapping

from soundbench.coverage import Values
from soundbench.ground_truth import TwinKind
from soundbench.notation_features import PLAIN
from soundbench.recorded_recipe import NetworkRecipe

# Factors of features, with the words of which one is needed; longer words that begin with it will do.
Meaning = tuple[tuple[str, tuple[str, ...]], ...]


def operators(*names: str) -> Meaning:
    """All of these operators."""
    return tuple(("operator", (name,)) for name in names)


def regions(
    kind: str, constraints: str, *, conjunctions: str = "none", bounds: str = "not strict", inputs: str = "not strict"
) -> Meaning:
    """Regions of a kind, all with constraints of one kind."""
    return (
        ("regions", (kind,)),
        ("constraints", (constraints,)),
        ("conjunctions", (conjunctions,)),
        ("bounds", (bounds,)),
        ("input bounds", (inputs,)),
    )


def reached(region: str) -> Meaning:
    """A counterexample in this region and no other."""
    return (("violated region", (region,)),)


ANY = regions("several of one box", "one against one")
INTERIOR: Meaning = (("position", ("interior",)),)

MEANINGS: Mapping[str, Mapping[str, Meaning]] = {
    "twin": {kind: (("twin", (kind,)),) for kind in TwinKind},
    "scale": {
        "near": (("distance from zero", ("near",)),),
        "far": (("distance from zero", ("far",)),),
        "tiny": (("width", ("tiny",)),),
        "large": (("width", ("large",)),),
    },
    "shape": {
        "cube": (("box", ("cube",)),),
        "anisotropic": (("box", ("anisotropic",)),),
        "fixed_input": (("box", ("fixed inputs",)),),
    },
    "form": {
        "one_against_one": regions("one", "one against one"),
        "strictly_above": regions("one", "one against one", bounds="strict"),
        "strictly_inside": regions("one", "one against one", inputs="strict"),
        "first_of_any": ANY + reached("the first"),
        "middle_of_any": ANY + reached("one between"),
        "last_of_any": ANY + reached("the last"),
        "largest_of_all": regions("several of one box", "one against one", conjunctions="every region"),
        "above_threshold": regions("one", "one against a number"),
        "combined": regions("one", "a combination"),
        "second_of_two_boxes": regions("2 boxes", "one against one") + reached("the last"),
        "last_of_three_boxes": regions("3 boxes", "one against one") + reached("the last"),
    },
    "notation": {
        # The boxes of several regions are inside the or however it is written.
        "plain": (("notation", (PLAIN, "boxes inside the or")),),
        "turned": (("notation", ("bounds before variables",)),),
        "joined": (("notation", ("bounds of an input in an and",)),),
        "backwards": (("notation", ("outputs before inputs",)),),
        "enclosed": (("notation", ("boxes inside the or",)),),
    },
    "place": {
        "interior": (*INTERIOR, ("prior", ("whole box",))),
        "centre": (*INTERIOR, ("coordinates at the middle", ("one", "several"))),
        "split_plane": (*INTERIOR, ("first split", ("on the plane",))),
        "last_cell": (*INTERIOR, ("prior", ("upper halves",))),
        "deep": (*INTERIOR, ("prior", ("upper halves", "halves"))),
        "face": (("position", ("face",)),),
        "narrow": (("position", ("face",)), ("narrowest input", ("at a face",))),
        "edge": (("position", ("edge",)),),
        "corner": (("position", ("corner",)),),
    },
}

# What lies between a network's input and its dense layers.
FRONTS: Mapping[str, Meaning] = {
    "none": (),
    "gemm": operators("Gemm transA", "Gemm not transposed", "Gemm alpha", "Gemm beta"),
    "matmul_add": operators("MatMul", "Add"),
    "residual": operators("Add of two tensors"),
    "centred": operators("Sub of the input"),
    "normalised": operators("Sub of the input", "Div"),
    "reshaped": operators("Reshape copies a size", "Reshape infers a size"),
    "gathered": operators("Gather", "Concat"),
    "avgpool_overlapping": operators("AveragePool kernel other than stride"),
    "avgpool_counted": operators("AveragePool count_include_pad 1"),
    "maxpool_padded": operators("MaxPool pads"),
    "maxpool_competing": operators("MaxPool"),
    "reduced": operators("ReduceSum", "ReduceMean"),
    "leaky": operators("LeakyRelu alpha"),
    "signed": operators("Abs", "Sign"),
    "clipped": operators("Clip"),
    "squashed": operators("Sigmoid", "Tanh"),
    "powered": operators("Pow", "Exp"),
    "attention": operators("Softmax", "MatMul of two tensors"),
    "overflowing": operators("Pow", "Tanh", "Add of two tensors"),
    "conv_strided": operators("Conv strides"),
    "conv_asymmetric_pads": operators("Conv pads asymmetric"),
    "conv_dilated": operators("Conv dilations"),
    "conv_grouped": operators("Conv group"),
    "conv_transposed": operators("ConvTranspose"),
    "batchnorm_negative": operators("BatchNormalization negative scale"),
    "transposed": operators("Transpose not its own inverse"),
}
ACTIVATIONS: Mapping[str, Meaning] = {name: operators(name.capitalize()) for name in ("relu", "tanh", "sigmoid")}


def meaning(factor: str, value: str, networks: Mapping[str, NetworkRecipe]) -> Meaning | None:
    """What a value means for the files; None if nothing is known. `networks` are those of the recipe, by name."""
    if factor != "network":
        return MEANINGS.get(factor, {}).get(value)
    network = networks.get(value)
    if network is None or network.front not in FRONTS or network.activation not in ACTIVATIONS:
        return None
    last = operators("Softmax") if network.softmax else ()
    return FRONTS[network.front] + ACTIVATIONS[network.activation] + last


def contradicted(
    features: Values, recorded: Mapping[str, str], networks: Mapping[str, NetworkRecipe]
) -> Iterator[tuple[str, str]]:
    """Each recorded factor that the features contradict, and why; one that they lack contradicts nothing."""
    for factor, value in recorded.items():
        for feature, needed in meaning(factor, value, networks) or ():
            found = features.get(feature)
            if found is not None and not any(is_among(word, found) for word in needed):
                yield factor, f"{feature}: {', '.join(sorted(found))}, not {' or '.join(needed)}"
                break


def is_among(word: str, found: Collection[str]) -> bool:
    """Whether a word, or a longer one that begins with it, is there."""
    return any(each == word or each.startswith(f"{word} ") for each in found)


def unknown_values(recorded: Values, networks: Mapping[str, NetworkRecipe]) -> dict[str, list[str]]:
    """The values of factors of which files say nothing."""
    unknown = {
        factor: sorted(value for value in values if meaning(factor, value, networks) is None)
        for factor, values in recorded.items()
    }
    return {factor: values for factor, values in unknown.items() if values}
