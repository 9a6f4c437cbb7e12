"""What real verifiers answered, saved: `python tests/saved_logs.py LABEL [OUTCOME ...]` writes `tests/logs/LABEL/`.

A file an outcome: where it comes from (tool, version, date, command), the result file that the tool wrote, and what it
printed. Paths are written as TASK, TOOL and ADAPTER.
"""

import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from soundbench import check
from soundbench.claim import Answer, Ending, EndReason
from soundbench.instance import Instance
from soundbench.registry import resolve
from soundbench.verifier import Task, Verifier

FOLDER = Path(__file__).parent / "logs"
# What comes of the three tiny instances; `hard_instance` takes longer than the tools are given.
OUTCOMES = {"violated": "falsified", "holds": "verified", "unsupported": "unreadable"}
SECONDS = 15.0
LAST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class SavedLog:
    """One saved answer."""

    label: str
    outcome: str
    content: dict[str, str]

    def replayed(self, folder: Path) -> Answer:
        """What the adapter makes of it today."""
        task = task_in(folder)
        if self.content["result"]:
            task.result.write_text(self.content["result"])
        ending = Ending(EndReason.EXIT, 0, None, 1.0, 1.0, 0)
        return resolve(self.content["label"]).read_answer(task, ending, self.content["log"])


def saved_logs() -> Iterator[SavedLog]:
    """All of them."""
    for path in sorted(FOLDER.glob("*/*.json")):
        yield SavedLog(path.parent.name, path.stem, json.loads(path.read_text()))


def task_in(folder: Path) -> Task:
    return Task(folder, folder / "network.onnx", folder / "property.vnnlib", folder / "result.txt", SECONDS)


def record(verifier: Verifier, instance: Instance) -> dict[str, str]:
    """Run the verifier without a limit but its own."""
    with tempfile.TemporaryDirectory() as name:
        task = task_in(Path(name))
        task.onnx.write_bytes(instance.onnx.read_bytes())
        task.vnnlib.write_bytes(instance.vnnlib.read_bytes())
        command = verifier.command(task)
        ended = subprocess.run(
            command, cwd=name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        )
        result = task.result.read_text() if task.result.exists() else ""
        log = ended.stdout[-LAST_CHARACTERS:]
        script = str(Path(command[1]).parent)
        for path, word in ((name, "TASK"), (str(verifier.location()), "TOOL"), (script, "ADAPTER")):
            log, result = log.replace(path, word), result.replace(path, word)
            command = [part.replace(path, word) for part in command]
    return {
        "label": verifier.label,
        "tool": verifier.name,
        "version": verifier.version(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": " ".join(command),
        "instance": instance.name,
        "result": result,
        "log": log,
    }


def hard_instance(folder: Path) -> Instance:
    """A random network of three hidden layers, and a bound just above the largest output that sampling finds."""
    random = np.random.default_rng(0)
    sizes = [9, 60, 60, 60, 1]
    nodes, tensors, source = [], [], "X"
    for place, (before, after) in enumerate(itertools.pairwise(sizes)):
        tensors.append(numpy_helper.from_array(random.normal(0, 0.6, (before, after)).astype(np.float32), f"w{place}"))
        tensors.append(numpy_helper.from_array(random.normal(0, 0.6, after).astype(np.float32), f"b{place}"))
        last = place == len(sizes) - 2
        nodes.append(helper.make_node("Gemm", [source, f"w{place}", f"b{place}"], ["Y" if last else f"s{place}"]))
        if not last:
            source = f"t{place}"
            nodes.append(helper.make_node("Relu", [f"s{place}"], [source]))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in (("X", (1, 9)), ("Y", (1, 1)))
    ]
    graph = helper.make_graph(nodes, "hard", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "hard.onnx")
    session = onnxruntime.InferenceSession(folder / "hard.onnx", providers=["CPUExecutionProvider"])
    corners = np.array(list(itertools.product((-1, 1), repeat=9)), np.float32)
    reached = max(float(session.run(None, {"X": corner[np.newaxis]})[0][0, 0]) for corner in corners)
    box = [
        f"(assert ({relation} X_{index} {end}.0))" for index in range(9) for relation, end in ((">=", -1), ("<=", 1))
    ]
    names = [*(f"X_{index}" for index in range(9)), "Y_0"]
    lines = [*(f"(declare-const {name} Real)" for name in names), *box, f"(assert (>= Y_0 {1.2 * reached + 1:.3f}))"]
    (folder / "hard.vnnlib").write_text("\n".join(lines) + "\n")
    return Instance("hard", folder / "hard.onnx", folder / "hard.vnnlib", SECONDS)


def main() -> None:
    verifier = resolve(sys.argv[1])
    folder = FOLDER / verifier.label
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        instances = {outcome: check._write_instance(Path(name), key, SECONDS) for key, outcome in OUTCOMES.items()}
        instances["timeout"] = hard_instance(Path(name))
        for outcome in sys.argv[2:] or instances:
            saved = json.dumps(record(verifier, instances[outcome]), indent=1)
            (folder / f"{outcome}.json").write_text(saved + "\n")


if __name__ == "__main__":
    main()
