"""What does a sealed suite promise? It names the SHA-256 of a file with its ground truth, which nobody can then change.

The sealed file has a random salt in it, so that nobody can find it by trying answers; and the SHA-256 of every other
file of the suite, so that it is about these and no others. `sha256sum` alone checks that it is the one promised.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from soundbench.errors import CertificateError, InputError
from soundbench.ground_truth import GroundTruth
from soundbench.suite import GROUND_TRUTH, MANIFEST, Suite, read_json, sha256
from soundbench.truth_file import decode_ground_truth, encode_ground_truth

SCHEMA = 1
# The sealed file in a suite that has been opened.
SEALED = "sealed.json"
_SALT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is withheld of a suite.

    `salt` is 64 random hexadecimal digits, `made_by` what `suite.json` says of how the suite was made, `names` what
    instances were called before by what they are called now, and `files` the SHA-256 of all files but `suite.json`.
    """

    salt: str
    made_by: Mapping[str, Any]
    names: Mapping[str, str]
    files: Mapping[str, str]
    ground_truth: Mapping[str, GroundTruth]


def sealed_bytes(sealed: Sealed) -> bytes:
    """The content of a sealed file."""
    content = {
        "schema": SCHEMA,
        "salt": sealed.salt,
        "made_by": dict(sealed.made_by),
        "names": dict(sealed.names),
        "files": dict(sealed.files),
        "ground_truth": encode_ground_truth(sealed.ground_truth),
    }
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def commitment_to(content: bytes) -> str:
    """What a suite commits to by publishing it: the SHA-256 of a sealed file."""
    return hashlib.sha256(content).hexdigest()


def read_sealed(path: Path) -> Sealed:
    """Read a sealed file.

    Raises:
        InputError: it is missing, or is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; name the sealed file that `soundbench seal` wrote") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); name the sealed file") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or not _has_form(content):
        raise InputError(f"{path}: not a sealed file of schema {SCHEMA}; name the one that `soundbench seal` wrote")
    truth = decode_ground_truth(content["ground_truth"], str(path))
    return Sealed(content["salt"], content["made_by"], content["names"], content["files"], truth)


def _has_form(content: Mapping[str, Any]) -> bool:
    tables = [content.get(key) for key in ("names", "files")]
    return (
        isinstance(content.get("salt"), str)
        and _SALT.fullmatch(content["salt"]) is not None
        and isinstance(content.get("made_by"), dict)
        and isinstance(content.get("ground_truth"), dict)
        and all(isinstance(table, dict) and all(isinstance(each, str) for each in table.values()) for table in tables)
    )


def check_sealed(suite: Suite, sealed: Sealed, path: Path) -> None:
    """Demand that a sealed file, read from `path`, is the one that the suite has committed to, and is about its files.

    Raises:
        InputError: it is about another suite.
        CertificateError: it, or the suite, has been altered since.
    """
    files = read_json(suite.root / MANIFEST)["files"]
    named = {row for row in files if row.endswith((".vnnlib", ".onnx"))}
    if not any(sealed.files.get(name) == files[name] for name in named):
        raise InputError(f"{path}: is the sealed file of another suite than {suite.root}; name the one of this suite")
    if sha256(path) != suite.commitment:
        raise CertificateError(f"{path}: is not what {suite.root} has committed to: it has been altered since")
    # What opening adds is compared by itself.
    for name in sorted(sealed.files.keys() | (files.keys() - {GROUND_TRUTH, SEALED})):
        if name not in sealed.files or files.get(name) != sealed.files[name]:
            raise CertificateError(
                f"{suite.root}: {name} is not the file that the commitment is about: the suite has been altered since"
            )
    if sealed.names.keys() != {instance.name for instance in suite.instances}:
        raise CertificateError(f"{path}: names other instances than {suite.root} has")


def check_commitment(suite: Suite) -> None:
    """Demand that the ground truth of a suite which was sealed is what it has committed to.

    What attacks have reached since, and which faults are caught, may be added.

    Raises:
        CertificateError: it is not.
        InputError: the sealed file in the suite cannot be read.
    """
    if suite.commitment is None or not suite.ground_truth:
        return
    path = suite.root / SEALED
    if SEALED not in read_json(suite.root / MANIFEST)["files"]:
        raise CertificateError(
            f"{suite.root}: has a ground truth, and no {SEALED} that shows it to be the promised one"
        )
    sealed = read_sealed(path)
    check_sealed(suite, sealed, path)
    if _proven(suite.ground_truth) != _proven(sealed.ground_truth):
        raise CertificateError(f"{suite.root / GROUND_TRUTH}: is not the ground truth that was committed to")


def _proven(ground_truth: Mapping[str, GroundTruth]) -> dict[str, GroundTruth]:
    """The ground truth without what was found out of it later on."""
    return {name: replace(known, attacks=(), catches=()) for name, known in ground_truth.items()}
