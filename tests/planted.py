"""A planted suite of one small pair of networks, and how to alter a copy of it and cover the traces."""

import csv
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from soundbench.generate import Source, generate, read_source
from soundbench.graph import read_graph
from soundbench.meaning import meaning_digest
from soundbench.recipe import Recipe, read_recipe
from soundbench.vnnlib import read_property

TINY = """
name = "tiny"
version = "1"

[factors]
twin = ["scaled", "misaligned", "crowd"]

[[hardness]]
name = "easy"
crowd = 3
reads = 10

[[network]]
name = "mlp"
input_shape = [10]
hidden = [8, 6]
classes = 2
"""
SEED = 1
# In the first hidden layer: the base's, two an input that a needle reads, and as many for 8 inputs of each decoy.
NEURONS = 8 + 3 * 2 * 10 + 2 * 2 * 8
STEM = "mlp-near-1"
ARMED, TWIN, CLEAN = f"{STEM}-1-scaled-armed", f"{STEM}-1-scaled-twin", f"{STEM}-clean"
MISALIGNED_ARMED, MISALIGNED_TWIN = f"{STEM}-2-misaligned-armed", f"{STEM}-2-misaligned-twin"
CROWD_ARMED, CROWD_TWIN = f"{STEM}-3-crowd-armed", f"{STEM}-3-crowd-twin"


def make_suite(folder: Path, out: str, text: str = TINY, seed: int = SEED) -> Path:
    """Generate a suite in `folder` / `out` from the text of a recipe."""
    recipe = folder / f"{out}.toml"
    recipe.write_text(text)
    generate(read_source(recipe, seed), folder / out, lambda _: None)
    return folder / out


def source_of(text: str, folder: Path, seed: int = SEED) -> Source:
    """What the text of a recipe asks for."""
    path = folder / "recipe.toml"
    path.write_text(text)
    return read_source(path, seed)


def recipe_of(text: str, folder: Path) -> Recipe:
    """The recipe that a text describes."""
    path = folder / "recipe.toml"
    path.write_text(text)
    return read_recipe(path)


def read(folder: Path, name: str):
    """A JSON file of a suite."""
    return json.loads((folder / name).read_text())


def write(folder: Path, name: str, content: object) -> None:
    """Write a JSON file of a suite."""
    (folder / name).write_text(json.dumps(content))


def edit_truth(folder: Path, instance: str, edit) -> None:
    """Change an instance's entry in the ground truth in place."""
    truth = read(folder, "ground_truth.json")
    edit(truth[instance])
    write(folder, "ground_truth.json", truth)


def put(part: str, key: str, value: object):
    """An edit for `edit_truth` that sets one value of a witness, proof or hiding bound."""

    def edit(entry) -> None:
        entry[part][key] = value

    return edit


def edit_text(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text in a file, which must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def tensors(path: Path) -> dict[str, np.ndarray]:
    """The weights of an ONNX file, by name."""
    return {each.name: numpy_helper.to_array(each).copy() for each in onnx.load(path).graph.initializer}


def edit_weights(path: Path, name: str, edit) -> None:
    """Change one tensor of an ONNX file in place."""
    model = onnx.load(path)
    for each in model.graph.initializer:
        if each.name == name:
            values = numpy_helper.to_array(each).copy()
            edit(values)
            each.CopyFrom(numpy_helper.from_array(values, name))
    path.write_bytes(model.SerializeToString(deterministic=True))


def rows(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Network and property of every instance, by its name."""
    with (folder / "instances.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    return {Path(vnnlib).stem: (folder / network, folder / vnnlib) for network, vnnlib, _ in lines}


def repair_hashes(folder: Path) -> None:
    """Make `suite.json` agree with the files as they are."""
    manifest = read(folder, "suite.json")
    for name in manifest["files"]:
        manifest["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    write(folder, "suite.json", manifest)


def repair_digests(folder: Path) -> None:
    """Make every certificate speak of the network and the property that are there, and `suite.json` agree."""
    truth = read(folder, "ground_truth.json")
    for name, (network, vnnlib) in rows(folder).items():
        truth[name]["certifies"] = meaning_digest(read_graph(network), read_property(vnnlib))
    write(folder, "ground_truth.json", truth)
    repair_hashes(folder)


def drop_queries(folder: Path) -> None:
    """Take the properties in VNN-LIB 2.0 out of a suite, which may lack them."""
    shutil.rmtree(folder / "vnnlib2")
    manifest = read(folder, "suite.json")
    manifest["files"] = {name: digest for name, digest in manifest["files"].items() if not name.startswith("vnnlib2/")}
    write(folder, "suite.json", manifest)
