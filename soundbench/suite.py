"""What is a suite: a folder of instances with their ground truth (loading comes with its checks)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from soundbench.ground_truth import GroundTruth
from soundbench.instance import Instance


@dataclass(frozen=True, slots=True)
class Suite:
    """A loaded suite; `ground_truth` is by instance name and lacks instances of which nothing is known.

    `digest` is the SHA-256 of `suite.json`, which holds the SHA-256 of every other file.
    """

    root: Path
    name: str
    version: str
    instances: tuple[Instance, ...]
    ground_truth: Mapping[str, GroundTruth]
    digest: str
