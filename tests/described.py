"""A planted suite whose recipe meant something by it, for tests of descriptions and levels."""

import shutil
from pathlib import Path

from planted import read, repair_hashes, write

FACTORS = {"network": "mlp", "form": "one_against_one", "place": "interior", "shape": "cube", "scale": "near"}
RECIPE = 'name = "tiny"\n[[network]]\nname = "mlp"\nfront = "none"\n'


def with_factors(suite: Path, root: Path, recipe: str = RECIPE, **changes: str) -> Path:
    """A copy of a planted suite that records true factors of every pair, changed like this, and this recipe."""
    shutil.copytree(suite, root)
    truth = read(root, "ground_truth.json")
    for entry in truth.values():
        if "twin_kind" in entry:
            entry["factors"] = {**FACTORS, "twin": entry["twin_kind"], **changes}
    write(root, "ground_truth.json", truth)
    write(root, "suite.json", {**read(root, "suite.json"), "recipe": recipe})
    repair_hashes(root)
    return root
