"""What real verifiers answered, saved: `python tests/saved_logs.py LABEL` runs one and writes `tests/logs/LABEL/`.

A file an outcome: where it comes from (tool, version, date, command), the result file that the tool wrote, and what it
printed. Paths are written as TASK, TOOL and ADAPTER.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from soundbench.cli.shipped import core_suite

from soundbench import check
from soundbench.claim import Answer, Ending, EndReason
from soundbench.instance import Instance
from soundbench.registry import resolve
from soundbench.suite import load_suite
from soundbench.verifier import Task, Verifier

FOLDER = Path(__file__).parent / "logs"
# Of the three tiny instances what is violated, holds and cannot be read; and of the core suite one that takes long.
OUTCOMES = {"violated": "falsified", "holds": "verified", "unsupported": "unreadable"}
LONG, SECONDS = "conv_grouped-near-1-2-misaligned-twin", 15.0
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


def main() -> None:
    verifier = resolve(sys.argv[1])
    folder = FOLDER / verifier.label
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        instances = {outcome: check._write_instance(Path(name), key, SECONDS) for key, outcome in OUTCOMES.items()}
        instances["timeout"] = next(each for each in load_suite(core_suite()).instances if each.name == LONG)
        for outcome, instance in instances.items():
            saved = json.dumps(record(verifier, instance), indent=1)
            (folder / f"{outcome}.json").write_text(saved + "\n")


if __name__ == "__main__":
    main()
