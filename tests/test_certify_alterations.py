"""Every alteration of a suite is noticed: by its hash, and where hashes and digests are repaired, by a certificate."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from planted import (
    ARMED,
    CLEAN,
    CROWD_ARMED,
    CROWD_TWIN,
    MISALIGNED_ARMED,
    MISALIGNED_TWIN,
    NEURONS,
    TWIN,
    drop_queries,
    edit_text,
    edit_truth,
    edit_weights,
    put,
    read,
    repair_digests,
    repair_hashes,
    rows,
    tensors,
    write,
)

from soundbench.certify import certify_suite
from soundbench.errors import CertificateError, InputError
from soundbench.suite import load_suite
from soundbench.vnnlib import read_property
from soundbench.vnnlib_text import decimal_text


@dataclass(frozen=True)
class Alteration:
    """`edit` changes a suite's folder; the certificate of one of `blamed` no longer holds."""

    name: str
    blamed: tuple[str, ...]
    edit: Callable[[Path], None]


def truth(name, instance, edit, *others):
    return Alteration(name, (instance, *others), lambda folder: edit_truth(folder, instance, edit))


def scale(part, key, factor, index=None):
    def edit(entry):
        if index is None:
            entry[part][key] *= factor
        else:
            entry[part][key][index] *= factor

    return edit


def swap_entries(key, first, second):
    def edit(folder):
        content = read(folder, "ground_truth.json")
        content[first][key], content[second][key] = content[second][key], content[first][key]
        write(folder, "ground_truth.json", content)

    return edit


def negated(entry):
    entry["witness"]["point"][3] = decimal_text(-Fraction(entry["witness"]["point"][3]))


def next_float32(entry):
    value = np.float32(float(Fraction(entry["witness"]["point"][0])))
    entry["witness"]["point"][0] = decimal_text(Fraction(float(np.nextafter(value, np.float32(1.0)))))


def elsewhere(entry):
    """Another point of the box, at the middle of the prior."""
    low, high = entry["hiding"]["prior_lower"], entry["hiding"]["prior_upper"]
    middles = [Fraction(float(np.float32(0.5 * (a + b)))) for a, b in zip(low, high, strict=True)]
    entry["witness"]["point"] = [decimal_text(middle) for middle in middles]


def prior_beside_the_witness(entry):
    entry["hiding"]["prior_lower"][2] = float(Fraction(entry["witness"]["point"][2])) + 1e-6


def prior_of_no_width(entry):
    value = float(Fraction(entry["witness"]["point"][2]))
    entry["hiding"]["prior_lower"][2] = entry["hiding"]["prior_upper"][2] = value


def drop_last(part, *keys):
    def edit(entry):
        for key in keys:
            entry[part][key].pop()

    return edit


def first_split(entry):
    return next(tree for tree in entry["proof"]["trees"] if "at" in tree)


def pruned(entry):
    trees = entry["proof"]["trees"]
    index = trees.index(first_split(entry))
    leaf = trees[index]["below"]
    while "refutes" not in leaf:
        leaf = leaf["below"]
    trees[index] = leaf


def moved_plane(entry):
    first_split(entry)["at"] += 0.05


def slopes_of(character):
    def edit(entry):
        (tree,) = entry["proof"]["trees"]
        tree["slopes"] = {"active1": character * NEURONS}

    return edit


def flipped(expected):
    def edit(entry):
        entry["expected"] = expected

    return edit


def removed(key):
    return lambda entry: entry.pop(key)


def witness_on_a_twin(folder):
    """The twin takes the armed member's whole entry, but for its role."""
    content = read(folder, "ground_truth.json")
    content[TWIN] = copy.deepcopy(content[ARMED])
    write(folder, "ground_truth.json", content)


TWO_PAIRS = (ARMED, MISALIGNED_ARMED, TWIN, MISALIGNED_TWIN)
TRUTH = [
    truth("witness negated in one coordinate", ARMED, negated),
    truth("witness moved to the next float32", ARMED, next_float32),
    truth("witness somewhere else", ARMED, elsewhere),
    truth("witness with a coordinate less", ARMED, drop_last("witness", "point"), TWIN),
    truth("margin_rigorous", ARMED, scale("witness", "margin_rigorous", 1 + 1e-12)),
    truth("margin_float64", ARMED, scale("witness", "margin_float64", 1.001)),
    truth("margin_float32", ARMED, scale("witness", "margin_float32", 1.01)),
    truth("float32_error", ARMED, scale("witness", "float32_error", 0.5)),
    truth("required_margin", ARMED, scale("witness", "required_margin", 0.99)),
    truth("chance", CROWD_ARMED, scale("hiding", "chance", 1 - 1e-9)),
    truth("queries", CROWD_ARMED, scale("hiding", "queries", 2)),
    truth("queries none", CROWD_ARMED, put("hiding", "queries", 0)),
    truth("queries negative", CROWD_ARMED, put("hiding", "queries", -1e8)),
    truth("half_width larger", CROWD_ARMED, scale("hiding", "half_widths", 1.01, index=0)),
    truth("half_width smaller", CROWD_ARMED, scale("hiding", "half_widths", 0.9, index=0)),
    truth("prior wider than the box", ARMED, scale("hiding", "prior_upper", 10, index=1)),
    truth("prior beside the witness", ARMED, prior_beside_the_witness),
    truth("prior of no width", ARMED, prior_of_no_width),
    truth("a prior less", ARMED, drop_last("hiding", "prior_lower")),
    truth("pinned", ARMED, put("hiding", "pinned", [4])),
    truth("reads fewer inputs", ARMED, drop_last("hiding", "reads", "half_widths", "prior_lower", "prior_upper")),
    truth("reads an input twice", ARMED, put("hiding", "reads", [0, 1, 2, 3, 4, 5, 6, 7, 8, 8])),
    truth("reads an input from the end", ARMED, put("hiding", "reads", [0, 1, 2, 3, 4, 5, 6, 7, 9, -1])),
    truth("reads no input", ARMED, put("hiding", "reads", [0, 1, 2, 3, 4, 5, 6, 7, 8, 10])),
    truth("another tensor", ARMED, put("hiding", "tensor", "dense1")),
    truth("no tensor", ARMED, put("hiding", "tensor", "nonsense")),
    truth("no neuron", ARMED, put("hiding", "neuron", 10_000)),
    truth("slopes too short", ARMED, put("hiding", "slopes", {"active1": "1"})),
    truth("hiding removed", ARMED, removed("hiding")),
    truth("witness removed", ARMED, removed("witness"), TWIN),
    truth("position", ARMED, lambda entry: entry.update(position="face")),
    truth("position of another kind", ARMED, lambda entry: entry.update(position="corner")),
    truth("violated said to hold", ARMED, flipped("holds"), TWIN),
    truth("holding said to be violated", TWIN, flipped("violated"), ARMED),
    truth("clean said to be violated", CLEAN, flipped("violated")),
    truth("armed called a twin", ARMED, lambda entry: entry.update(role="twin"), TWIN),
    truth("twin called clean", TWIN, lambda entry: entry.update(role="clean"), ARMED),
    truth("twin without its pair", TWIN, removed("pair"), ARMED),
    truth("kind of one member", TWIN, lambda entry: entry.update(twin_kind="crowd"), ARMED),
    truth("factors of one member", TWIN, lambda entry: entry.update(factors={"form": "combined"}), ARMED),
    truth("trigger of one member", TWIN, lambda entry: entry.update(trigger="cnn/interior"), ARMED),
    truth("slack", TWIN, scale("proof", "slack", 1.001)),
    truth("required_slack", TWIN, scale("proof", "required_slack", 0.999)),
    truth("inflation", TWIN, scale("proof", "inflation", 0.5)),
    truth("proof removed", TWIN, removed("proof")),
    truth("refutes another constraint", TWIN, lambda entry: entry["proof"]["trees"][0].update(refutes=1)),
    truth("no tree", TWIN, put("proof", "trees", [])),
    truth("a tree too many", TWIN, lambda entry: entry["proof"]["trees"].append(entry["proof"]["trees"][0])),
    truth("tree pruned", CROWD_TWIN, pruned),
    truth("split plane moved", CROWD_TWIN, moved_plane),
    truth("split plane outside", CROWD_TWIN, lambda entry: first_split(entry).update(at=7.0)),
    truth("split of another input", CROWD_TWIN, lambda entry: first_split(entry).update(input=10)),
    truth("slopes of a proof", MISALIGNED_TWIN, slopes_of("0")),
    truth("slopes that are none", MISALIGNED_TWIN, slopes_of("x")),
    Alteration("pairs swapped", TWO_PAIRS, swap_entries("pair", ARMED, MISALIGNED_ARMED)),
    Alteration("twins swapped", TWO_PAIRS, swap_entries("pair", TWIN, MISALIGNED_TWIN)),
    Alteration("proofs swapped", (CROWD_TWIN, MISALIGNED_TWIN), swap_entries("proof", CROWD_TWIN, MISALIGNED_TWIN)),
    Alteration("witnesses swapped", (ARMED, CROWD_ARMED), swap_entries("witness", ARMED, CROWD_ARMED)),
    Alteration("hidings swapped", (ARMED, CROWD_ARMED), swap_entries("hiding", ARMED, CROWD_ARMED)),
    Alteration("an armed entry for a twin", (ARMED, TWIN), witness_on_a_twin),
]  # fmt: skip


def part_of_needle(folder, instance=ARMED):
    """Where the needle of an armed instance lies in the network: its tip's neuron, its sides, and the other neurons."""
    neuron = read(folder, "ground_truth.json")[instance]["hiding"]["neuron"]
    row = tensors(rows(folder)[instance][0])["dense2.weight"][neuron]
    return neuron, np.flatnonzero(row), np.flatnonzero(row == 0)


def decoys(network):
    """The rows of all needles' tips: they read two sides an input, the base's rows eight neurons."""
    weights = tensors(network)["dense2.weight"]
    return np.flatnonzero((weights != 0).sum(axis=1) > 8)


def weight(name, blamed, instance, tensor, change):
    """An alteration of one weight in an instance's network; `change` is told the folder and the tensor."""

    def edit(folder):
        network = rows(folder)[instance][0]
        edit_weights(network, tensor, lambda values: change(folder, values))

    return Alteration(name, blamed, edit)


def side(folder, values):
    values[part_of_needle(folder)[1][0]] *= 1.001


def tip_weight(folder, values):
    neuron, sides, _ = part_of_needle(folder)
    values[neuron, sides[0]] *= 1.001


def tip_bias(folder, values):
    values[part_of_needle(folder)[0]] *= 1.001


def tip_gain(folder, values):
    values[:, part_of_needle(folder)[0]] *= 1.001


def base_bias(_, values):
    values[0] *= 1.001


def armed_decoy(folder, values):
    """A decoy of the armed network, raised until it makes a counterexample of its own."""
    own = [part_of_needle(folder, name)[0] for name in (ARMED, MISALIGNED_ARMED, CROWD_ARMED)]
    others = [neuron for neuron in decoys(rows(folder)[ARMED][0]) if neuron not in own]
    values[:, others[0]] *= 10


def twin_decoys(folder, values):
    values[:, decoys(rows(folder)[TWIN][0])] *= 1.1


def realigned(_, values):
    """The twin's sides all at the distance of the others: the misaligned needle may come back."""
    values *= 1.01


ALL_ARMED = (ARMED, MISALIGNED_ARMED, CROWD_ARMED, CLEAN)
ALL_TWINS = (TWIN, MISALIGNED_TWIN, CROWD_TWIN)
WEIGHTS = [
    weight("a needle's side", ALL_ARMED, ARMED, "dense1.weight", side),
    weight("a needle's tip", ALL_ARMED, ARMED, "dense2.weight", tip_weight),
    weight("a needle's tip's bias", ALL_ARMED, ARMED, "dense2.bias", tip_bias),
    weight("a needle's gain", ALL_ARMED, ARMED, "logits.weight", tip_gain),
    weight("a base's bias", ALL_ARMED, ARMED, "logits.bias", base_bias),
    weight("a decoy that becomes a needle", ALL_ARMED, ARMED, "logits.weight", armed_decoy),
    weight("a twin's base", ALL_TWINS, TWIN, "logits.bias", base_bias),
    weight("a twin's needles", ALL_TWINS, TWIN, "logits.weight", twin_decoys),
    weight("a twin's sides", ALL_TWINS, TWIN, "dense1.bias", realigned),
]


def exchanged(folder):
    networks = rows(folder)[ARMED][0], rows(folder)[TWIN][0]
    contents = [network.read_bytes() for network in networks]
    for network, content in zip(networks, reversed(contents), strict=True):
        network.write_bytes(content)


def exchanged_rows(folder):
    text = (folder / "instances.csv").read_text()
    swapped = text.replace("armed.onnx", "ARMED").replace("twin.onnx", "armed.onnx").replace("ARMED", "twin.onnx")
    (folder / "instances.csv").write_text(swapped)


def both_roles_and_networks(folder):
    """Each member of the pair claims the other's entry, certificates and all."""
    content = read(folder, "ground_truth.json")
    content[ARMED], content[TWIN] = content[TWIN], content[ARMED]
    write(folder, "ground_truth.json", content)


def vnnlib(instance, old, new):
    return lambda folder: edit_text(rows(folder)[instance][1], old, new)


def bound_moved(instance, distance):
    """The upper bound of X_0 moved by some distance."""

    def edit(folder):
        path = rows(folder)[instance][1]
        upper = read_property(path).regions[0].inputs[0].upper
        edit_text(path, f"(<= X_0 {decimal_text(upper)})", f"(<= X_0 {decimal_text(upper + distance)})")

    return edit


def direction(folder, instance):
    text = rows(folder)[instance][1].read_text()
    return "Y_0 Y_1" if "Y_0 Y_1" in text else "Y_1 Y_0"


def flipped_constraint(instance):
    def edit(folder):
        words = direction(folder, instance)
        edit_text(rows(folder)[instance][1], f"(<= {words}", f"(>= {words}")

    return edit


def another_input(folder):
    path = rows(folder)[TWIN][1]
    path.write_text(path.read_text() + "(declare-const X_10 Real)\n(assert (>= X_10 0.0))\n(assert (<= X_10 1.0))\n")


FILES = [
    Alteration("networks exchanged", (*ALL_ARMED, *ALL_TWINS), exchanged),
    Alteration("networks exchanged in the list", (*ALL_ARMED, *ALL_TWINS), exchanged_rows),
    Alteration("entries exchanged", (ARMED, TWIN), both_roles_and_networks),
    Alteration("armed constraint flipped", (ARMED,), flipped_constraint(ARMED)),
    Alteration("twin's constraint flipped", (TWIN,), flipped_constraint(TWIN)),
    Alteration("twin's box larger", (TWIN,), bound_moved(TWIN, Fraction(1, 64))),
    Alteration("clean box larger", (CLEAN,), bound_moved(CLEAN, Fraction(1, 64))),
    Alteration("armed box without its witness", (ARMED,), bound_moved(ARMED, Fraction(-3, 16))),
    Alteration("armed box many times larger", (ARMED,), bound_moved(ARMED, 100)),
    Alteration("twin's property has more inputs", (TWIN,), another_input),
    Alteration("twin's bound beyond float64", (TWIN,), bound_moved(TWIN, 10**400)),
]


@pytest.mark.parametrize("alteration", [*TRUTH, *WEIGHTS, *FILES], ids=lambda alteration: alteration.name)
def test_an_alteration_is_noticed_whatever_is_repaired(suite_copy, alteration):
    alteration.edit(suite_copy)
    with pytest.raises(InputError, match="SHA-256"):
        load_suite(suite_copy)
    for repair in (repair_hashes, repair_digests, drop_queries):
        repair(suite_copy)
        with pytest.raises(CertificateError) as error:
            certify_suite(load_suite(suite_copy), lambda _: None)
        assert str(error.value).partition(": ")[0] in alteration.blamed
        assert "\n" not in str(error.value)
