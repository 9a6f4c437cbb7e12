"""How a suite is made of one trained network: trained, attacked, certified, written; what is not hidden is left out."""

import glob
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from soundbench import __version__
from soundbench.attack import judged
from soundbench.attack_journal import open_journal
from soundbench.attack_suite import Job, Network, attack_network, records_of
from soundbench.battery import Attack, corners, published
from soundbench.certificate import centre_of, position_of, required_slack, witness_certificate
from soundbench.dataset import Dataset, draw_dataset
from soundbench.errors import CertificateError
from soundbench.export import save_onnx
from soundbench.export_module import module_to_onnx
from soundbench.generate import folder_to_be, one_thread, provenance, write_instances
from soundbench.graph import Graph, read_graph
from soundbench.ground_truth import AttackRecord, Expected, GroundTruth, Role
from soundbench.instance import Instance, Property
from soundbench.meaning import meaning_digest
from soundbench.networks import CLASSES, build_network
from soundbench.planted import PlantedInstance
from soundbench.prove import Hints, search
from soundbench.suite import write_suite
from soundbench.targets import targets_of
from soundbench.trained_recipe import Model, TrainedRecipe
from soundbench.training import Log, Status, grid_of, problem_of, train

# Boxes that a clean instance's proof may take: one is a bound at the root.
MOST_BOXES = 1
# The effort of the final attacks on a clean box, as a share of that on one with a counterexample.
CLEAN_SHARE = 0.1


# Told where training stands, then in a few words of every part of the attacks as it ends.
Report = Callable[[Status | str], None]


class NothingHidden(CertificateError):
    """Training ended without a hidden counterexample, so there is no suite."""


@dataclass(frozen=True, slots=True)
class TrainedSource:
    """Where trained suites come from: the recipe as read, its text, the method's name, and the seed."""

    recipe: TrainedRecipe
    text: str
    method: str
    seed: int

    def seed_of(self, model: Model, purpose: str) -> int:
        """A seed that depends on the source's, the model's name and the purpose alone."""
        digest = hashlib.sha256(f"{self.seed}\n{model.name}\n{purpose}".encode()).digest()
        return int.from_bytes(digest[:7], "little")

    def dataset_of(self, model: Model) -> Dataset:
        """The boxes and witnesses of a model.

        Raises:
            InputError: boxes do not fit beside each other.
        """
        random = np.random.default_rng(self.seed_of(model, "boxes"))
        return draw_dataset(model.inputs, model.radius, model.armed, model.clean, model.position, random)

    def network_of(self, model: Model) -> nn.Sequential:
        """A model's network before it is trained."""
        return build_network(model.architecture, model.input_shape, self.seed_of(model, "weights"))


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a model's instances.

    `hidden` of `armed` hide a counterexample; `proven` of `clean` are proven to hold; `left_out` says why the others
    are not in the suite.
    """

    hidden: int
    armed: int
    clean: int
    proven: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """A suite to be made: from what, in which folder, on which device, and who is told how it goes."""

    source: TrainedSource
    model: Model
    dataset: Dataset
    out: Path
    device: torch.device
    report: Report


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """An instance before anything is known of it: that of the dataset's box `index`."""

    instance: Instance
    unsafe: Property
    index: int
    is_armed: bool


def make_trained_suite(source: TrainedSource, model: Model, out: Path, device: torch.device, report: Report) -> Made:
    """Train a model and make its suite in the new folder `out`.

    A checkpoint, and a journal of the attacks, lie beside `out` until the suite is complete; from them an earlier
    start is continued.

    Raises:
        InputError: `out` exists and is not empty, boxes do not fit, or the checkpoint is another training's.
        NothingHidden: no counterexample withstands the attacks and is certified; nothing is written.
    """
    order = Order(source, model, source.dataset_of(model), out, device, report)
    checkpoint = out.with_name(f"{out.name}.checkpoint.safetensors")
    with one_thread(), folder_to_be(out) as folder:
        network, log = trained_network(order, checkpoint)
        made = write_trained(order, network, log, folder)
    for path in (checkpoint, *out.parent.glob(f"{glob.escape(out.name)}.attacks-*.jsonl")):
        path.unlink(missing_ok=True)
    return made


def trained_network(order: Order, checkpoint: Path) -> tuple[nn.Sequential, Log]:
    """Train, or continue from the checkpoint; return the network, on the device, and the log of its checks."""
    source, model = order.source, order.model
    network = source.network_of(model)
    facts = (model, source.method, source.seed, order.device.type, __version__, torch.__version__)
    identity = hashlib.sha256(repr(facts).encode()).hexdigest()
    problem = problem_of(order.dataset, model.input_shape, order.device)
    seed = source.seed_of(model, "training")
    return train(network, model.method, problem, seed, checkpoint=checkpoint, identity=identity, report=order.report)


def write_trained(order: Order, network: nn.Sequential, log: Log, folder: Path) -> Made:
    """Attack and certify every box of a trained network, and write those that stand to the folder.

    Raises:
        NothingHidden: none of those that hide a counterexample stands.
    """
    source, model = order.source, order.model
    (folder / "onnx").mkdir()
    onnx = folder / "onnx" / f"{model.name}.onnx"
    save_onnx(module_to_onnx(network, model.input_shape, CLASSES), onnx)
    graph = read_graph(onnx)
    drafts = drafts_of(order, onnx)
    records = attack_drafts(drafts, graph, order)
    instances, left_out = [], []
    for draft in drafts:
        try:
            truth = truth_of(order, draft, graph, records[draft.instance.name])
        except CertificateError as error:
            left_out.append(f"{draft.instance.name}: {error}")
            continue
        instances.append(PlantedInstance(draft.instance.name, onnx, draft.unsafe, truth))
    hidden = sum(instance.truth.role is Role.ARMED for instance in instances)
    if not hidden:
        raise NothingHidden(f"{model.name}: none of {order.dataset.armed} counterexamples is hidden ({left_out[0]})")
    (folder / "training.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log), encoding="utf-8")
    rows, ground_truth = write_instances(instances, source.recipe.timeout_seconds, folder)
    write_suite(folder, rows, ground_truth, made_by(source, model))
    proven = sum(instance.truth.expected is Expected.HOLDS for instance in instances)
    return Made(hidden, order.dataset.armed, len(instances) - hidden, proven, tuple(left_out))


def drafts_of(order: Order, onnx: Path) -> list[Draft]:
    """All instances of a network, the unverifiable ones first, as published."""
    dataset, timeout_seconds = order.dataset, order.source.recipe.timeout_seconds
    drafts = []
    for index in range(len(dataset.labels)):
        is_armed = index < dataset.armed
        kind, number = ("unverifiable", index) if is_armed else ("clean", index - dataset.armed)
        name = f"{order.model.name}-{kind}-{number}"
        instance = Instance(name, onnx, onnx.parent.parent / "vnnlib" / f"{name}.vnnlib", timeout_seconds)
        drafts.append(Draft(instance, dataset.property_of(index), index, is_armed))
    return drafts


def attack_drafts(drafts: Sequence[Draft], graph: Graph, order: Order) -> Mapping[str, tuple[AttackRecord, ...]]:
    """What the final attacks reach in every box; a journal beside `out` keeps what is finished until all is.

    On clean boxes, of which nothing is claimed, less effort is spent.
    """
    records: dict[str, tuple[AttackRecord, ...]] = {draft.instance.name: () for draft in drafts}
    digest = hashlib.sha256(drafts[0].instance.onnx.read_bytes()).hexdigest()
    recipe, seed, device = order.source.recipe, order.source.seed, order.device
    kinds = [
        ([draft for draft in drafts if draft.is_armed], final_attacks(recipe)),
        ([draft for draft in drafts if not draft.is_armed], final_attacks(recipe, CLEAN_SHARE)),
    ]
    efforts = [recipe.restarts, recipe.grid, recipe.corners]
    identity = [digest, efforts, seed, device.type, __version__, torch.__version__]
    with open_journal(order.out, identity) as journal:
        for own, attacks in kinds:
            for job in jobs_of(own, graph, attacks, device):
                reached = attack_network(job, seed, journal, lambda words, _cost: order.report(f"attacked: {words}"))
                for name, record in records_of(job, seed, reached):
                    records[name] += (record,)
        # The journal stays until the suite is complete.
        return records


def final_attacks(recipe: TrainedRecipe, share: float = 1.0) -> list[Attack]:
    """What instances have to withstand in the end, with a share of the recipe's effort."""
    restarts, points = (max(1, int(share * effort)) for effort in (recipe.restarts, recipe.corners))
    return [*(published(schedule, restarts) for schedule in grid_of(recipe.grid)), corners(points)]


def jobs_of(drafts: Sequence[Draft], graph: Graph, attacks: Sequence[Attack], device: torch.device) -> list[Job]:
    """The attacks on the boxes of these instances of a network."""
    instances, properties = tuple(draft.instance for draft in drafts), tuple(draft.unsafe for draft in drafts)
    named = [(draft.instance.name, draft.unsafe) for draft in drafts]
    targets = targets_of(graph, named, device)
    if targets is None:
        return []
    network = Network(instances[0].name.rpartition("-")[0], instances, properties, targets, None)
    return [Job(network, targets, attack) for attack in attacks]


def truth_of(order: Order, draft: Draft, graph: Graph, records: tuple[AttackRecord, ...]) -> GroundTruth:
    """What is known of an instance.

    Raises:
        CertificateError: it must not be shipped as what it was meant to be.
    """
    model, dataset = order.model, order.dataset
    if judged(graph, draft.unsafe.regions[0], dataset.centres[draft.index, None]).found:
        raise CertificateError("the network is not right at the centre")
    if [record.attack for record in records] != [attack.name for attack in final_attacks(order.source.recipe)]:
        raise CertificateError("not every attack gave a finite margin")
    found = [record.attack for record in records if record.found]
    if found:
        raise CertificateError(f"the attack {found[0]!r} finds a counterexample")
    truth = GroundTruth(
        expected=Expected.UNKNOWN,
        family="trained",
        trigger=f"{model.architecture}/{model.position}",
        role=Role.ARMED if draft.is_armed else Role.CLEAN,
        attacks=records,
    )
    digest = meaning_digest(graph, draft.unsafe)
    if draft.is_armed:
        point = dataset.witness_of(draft.index)
        if position_of(draft.unsafe.regions[0], point) is not model.position:
            raise CertificateError(f"its planted point does not lie at {model.position}")
        witness = witness_certificate(draft.instance.onnx, graph, draft.unsafe, point)
        return replace(truth, expected=Expected.VIOLATED, position=model.position, certifies=digest, witness=witness)
    required = required_slack(graph, draft.unsafe, centre_of(draft.unsafe.regions[0]))
    proof = search(graph, draft.unsafe, required, Hints(), MOST_BOXES)
    return truth if proof is None else replace(truth, expected=Expected.HOLDS, certifies=digest, proof=proof)


def made_by(source: TrainedSource, model: Model) -> Mapping[str, object]:
    """How the suite was made, for `suite.json`."""
    recipe = source.recipe
    settings = {**asdict(model), "timeout_seconds": recipe.timeout_seconds, "restarts": recipe.restarts}
    settings |= {"grid": recipe.grid, "corners": recipe.corners}
    return {
        "name": model.name,
        "version": source.recipe.version,
        "method": source.method,
        "settings": json.loads(json.dumps(settings)),
        **provenance(source.text, source.seed),
    }
