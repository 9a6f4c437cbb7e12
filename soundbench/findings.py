"""What evidence does a finding leave? One folder that a person can replay with ONNX Runtime alone."""

import itertools
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from soundbench.counterexample import format_counterexample
from soundbench.errors import InputError
from soundbench.ground_truth import GroundTruth
from soundbench.instance import Instance, Region
from soundbench.judge import Assessment, Judgement
from soundbench.packed import LARGEST_NETWORK, LARGEST_PROPERTY, read_unpacked
from soundbench.replay import Point, Replay, open_onnx, replay
from soundbench.vnnlib import read_property
from soundbench.vnnlib_text import decimal_text

SCRIPT = '''"""Replays the finding in this folder with ONNX Runtime and numpy alone: python replay.py"""

from fractions import Fraction as F
from pathlib import Path

import numpy as np
import onnxruntime as ort

print({title})
point = np.array({point}, np.{input_type})
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
model = Path(__file__).with_name("network.onnx").read_bytes()
network = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
outputs = network.run(None, {{{input_name}: point.reshape({input_shape})}})[0].ravel()
print("outputs:", *outputs.tolist())
if not np.isfinite(outputs).all():
    print("the property is violated: False (an output is not finite)")
    raise SystemExit
X, Y = [F(x) for x in point.tolist()], [F(y) for y in outputs.tolist()]
regions = [  # (the point is in the box, the outputs are unsafe)
{regions}]
for number, (inside, unsafe) in enumerate(regions, 1):
    print(f"region {{number}}: the point is in the box: {{inside}}, the outputs are unsafe: {{unsafe}}")
print("the property is violated:", any(inside and unsafe for inside, unsafe in regions))
'''

NOTHING_TO_REPLAY = """There is nothing to replay here: {reason}.
The verifier {verifier} says {claim} of {instance}; the ground truth is: {expected}.
`soundbench certify` checks that ground truth again from the suite's files alone.
"""

# All that a finding's folder may hold; that of a contradiction has two such folders in it.
SIDES = ("verified", "falsified")
FILE_NAMES = frozenset(
    {
        "finding.json",
        "network.onnx",
        "property.vnnlib",
        "witness.txt",
        "replay.py",
        "README.txt",
        "verifier.log",
        *SIDES,
    }
)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A judgement, the instance or variant that it is about, what is known of that, and what the verifier printed."""

    judgement: Judgement
    instance: Instance
    truth: GroundTruth | None
    log: Path | None


def write_finding(folder: Path, exhibit: Exhibit) -> Path:
    """Write a finding's folder below `folder` and return its path.

    It holds network.onnx, property.vnnlib, verifier.log (if there is one), finding.json and witness.txt: the
    verifier's counterexample in its own words, or our witness where it claimed `verified`. replay.py replays
    that point; README.txt is there instead where there is no point to replay.
    The folder appears whole or not at all. Writing the same finding again changes nothing; a different one
    under the same name gets a number after its name.

    Raises:
        InputError: a file of the instance cannot be read, or the folder cannot be written.
    """
    result = exhibit.judgement.result
    return _write(folder, _folder_name(result.verifier, result.instance, result.variant), {"": exhibit})


def write_contradiction(folder: Path, verified: Exhibit, falsified: Exhibit) -> Path:
    """Write the folder of two claims that contradict each other, like `write_finding`, and return its path.

    In it each has a folder of its own. Where there is nothing to replay of one, it replays the point of the other.

    Raises:
        InputError: a file of an instance cannot be read, or the folder cannot be written.
    """
    result = verified.judgement.result
    replays = [each.judgement.replay for each in (falsified, verified)]
    point = next((each.point for each in replays if each is not None), None)
    both = {"verified": _against(verified, falsified, point), "falsified": _against(falsified, verified, point)}
    return _write(folder, _folder_name(result.verifier, result.instance, Assessment.INCONSISTENT), both)


def _against(exhibit: Exhibit, other: Exhibit, point: Point | None) -> Exhibit:
    """One side of a contradiction, with the replay of a point."""
    judgement, opposite = exhibit.judgement, other.judgement.result
    found = judgement.replay
    if found is None and point is not None:
        found = replay(exhibit.instance.onnx, read_property(exhibit.instance.vnnlib), point)
    reason = f"{judgement.result.claim}, but {opposite.claim} of {opposite.subject}, which has the same answer"
    return replace(
        exhibit, judgement=replace(judgement, assessment=Assessment.INCONSISTENT, reason=reason, replay=found)
    )


def _write(folder: Path, name: str, exhibits: Mapping[str, Exhibit]) -> Path:
    """Write a folder with the exhibits in it by their places, whole or not at all, unless it is there."""
    partial = folder / f".{name}.partial"
    try:
        files = {
            f"{place}/{file_name}".lstrip("/"): content
            for place, exhibit in exhibits.items()
            for file_name, content in _files(exhibit).items()
        }
        target = _target(folder, name, files)
        if target.exists():
            return target
        shutil.rmtree(partial, ignore_errors=True)
        for path, content in files.items():
            (partial / path).parent.mkdir(parents=True, exist_ok=True)
            (partial / path).write_bytes(content)
        return partial.rename(target)
    except OSError as error:
        raise InputError(
            f"{folder / name}: cannot write this finding ({error}); check the folder's space and permissions"
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _folder_name(*parts: str | None) -> str:
    return re.sub(r"[^A-Za-z0-9.=_-]+", "_", "-".join(filter(None, parts))).lstrip(".")[:200]


def _target(folder: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """The first path that is free, or that holds this finding already."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(path for path in map(folder.joinpath, names) if not path.exists() or _holds(path, files))


def _holds(path: Path, files: Mapping[str, bytes]) -> bool:
    return all((path / name).is_file() and (path / name).read_bytes() == content for name, content in files.items())


def _files(exhibit: Exhibit) -> dict[str, bytes]:
    """The files of an exhibit, by their names."""
    judgement, instance, log = exhibit.judgement, exhibit.instance, exhibit.log
    texts = {"finding.json": json.dumps(_describe(judgement, exhibit.truth), indent=2) + "\n"}
    if judgement.counterexample:
        texts["witness.txt"] = judgement.counterexample
    elif judgement.replay is not None:
        texts["witness.txt"] = format_counterexample(judgement.replay.point, judgement.replay.outputs)
    script = _script(judgement, instance)
    if script is not None:
        texts["replay.py"] = script
    else:
        result = judgement.result
        texts["README.txt"] = NOTHING_TO_REPLAY.format(
            reason=judgement.reason,
            verifier=result.verifier,
            claim=result.claim,
            instance=result.subject,
            expected=judgement.expected,
        )
    files = {name: text.encode(errors="surrogateescape") for name, text in texts.items()}
    files["network.onnx"] = read_unpacked(instance.onnx, LARGEST_NETWORK)
    files["property.vnnlib"] = read_unpacked(instance.vnnlib, LARGEST_PROPERTY)
    if log is not None and log.is_file():
        files["verifier.log"] = log.read_bytes()
    return files


def _describe(judgement: Judgement, truth: GroundTruth | None) -> dict[str, Any]:
    """finding.json: who said what, what is proven, and what we make of it."""
    result = judgement.result
    return {
        "verifier": result.verifier,
        "version": result.version,
        "instance": result.instance,
        "variant": result.variant,
        "claim": result.claim,
        "raw": result.raw,
        "expected": judgement.expected,
        "assessment": judgement.assessment,
        "remark": judgement.remark,
        "reason": judgement.reason,
        "margins": _margins(truth),
        "replay": _describe_replay(judgement.replay),
    }


def _margins(truth: GroundTruth | None) -> dict[str, float]:
    """The margins certified for the instance: of its witness, or of its proof."""
    if truth is None:
        return {}
    if truth.witness is not None:
        names = ("margin_float32", "margin_float64", "margin_rigorous", "float32_error", "required_margin")
        return {name: getattr(truth.witness, name) for name in names}
    return {"slack": truth.proof.slack, "inflation": truth.proof.inflation} if truth.proof else {}


def _describe_replay(replay: Replay | None) -> dict[str, Any] | None:
    if replay is None:
        return None
    return {
        "strict": replay.strict,
        "within_tolerance": replay.within_tolerance,
        "rigorous": replay.rigorous,
        "rounding": replay.rounding,
        "outputs": [float(value) for value in replay.outputs],
        "reason": replay.reason,
    }


def _script(judgement: Judgement, instance: Instance) -> str | None:
    """The text of replay.py, or None where there is no point that the network could take."""
    if judgement.replay is None:
        return None
    network = open_onnx(instance.onnx)
    try:
        point = network.cast(judgement.replay.point)
    except InputError:
        return None
    result = judgement.result
    title = f"{judgement.assessment}: {result.verifier} says {result.claim} of {result.subject}"
    return SCRIPT.format(
        title=repr(title),
        point=[float(value) for value in point],
        input_type=network.input_type,
        input_name=repr(network.input_name),
        input_shape=network.input_shape,
        regions="".join(map(_region_literal, read_property(instance.vnnlib).regions)),
    )


def _region_literal(region: Region) -> str:
    """A region as the two expressions that check it, one line a comparison."""
    box = [
        f"{_literal(each.lower)} {'<' if each.lower_open else '<='} X[{index}] "
        f"{'<' if each.upper_open else '<='} {_literal(each.upper)}"
        for index, each in enumerate(region.inputs)
    ]
    constraints = [
        " + ".join(["F(0)", *(f"{_literal(factor)} * Y[{index}]" for index, factor in each.terms)])
        + f" {'<' if each.strict else '<='} {_literal(each.bound)}"
        for each in region.outputs
    ]
    parts = ("".join(f"            {check},\n" for check in checks) for checks in (box, constraints))
    body = "".join(f"        all([\n{part}        ]),\n" for part in parts)
    return f"    (\n{body}    ),\n"


def _literal(value: Fraction) -> str:
    """An exact number for the script: F('0.5')."""
    try:
        return f"F('{decimal_text(value)}')"
    except ValueError:
        return f"F('{value}')"
