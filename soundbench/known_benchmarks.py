"""Which benchmarks can be downloaded by name? SoundnessBench, and those of VNN-COMP by year."""

import difflib
from collections.abc import Mapping

# The dataset of SoundnessBench (arXiv 2412.03154) on Hugging Face, and how many instances of each model are clean.
SOUNDNESSBENCH = "soundnessbench"
DATASET, PUBLISHED_CLEAN = "SoundnessBench/SoundnessBench", 10

# Where the benchmarks of a year lie on GitHub.
REPOSITORIES = {
    "vnncomp2022": "ChristopherBrix/vnncomp2022_benchmarks",
    "vnncomp2023": "ChristopherBrix/vnncomp2023_benchmarks",
    "vnncomp2024": "ChristopherBrix/vnncomp2024_benchmarks",
    "vnncomp2025": "VNN-COMP/vnncomp2025_benchmarks",
    "vnncomp2026": "VNN-COMP/vnncomp2026_benchmarks",
}
GITHUB = "https://github.com"
RAW = "https://raw.githubusercontent.com"

_BOTH = """acasxu_2023 cersyve cgan_2023 cifar100_2024 collins_aerospace_benchmark cora_2024 dist_shift_2023 lsnc_relu
    malbeware metaroom_2023 nn4sys relusplitter soundnessbench"""
_IN_2025 = """cctsdb_yolo_2023 collins_rul_cnn_2022 linearizenn_2024 ml4acopf_2024 safenlp_2024 sat_relu test
    tinyimagenet_2024 tllverifybench_2023 traffic_signs_recognition_2023 vggnet16_2022 vit_2023 yolo_2023"""
_IN_2026 = """cgan2026 challenging_certified_training_2026 relusplitter_2026 soundnessbench_2026"""

# Those that are known to be there; any other of a year can be named, too.
BENCHMARKS: Mapping[str, tuple[str, ...]] = {
    "vnncomp2025": tuple(sorted(f"{_BOTH} {_IN_2025}".split())),
    "vnncomp2026": tuple(sorted(f"{_BOTH} {_IN_2026}".split())),
}


def known_names() -> list[str]:
    """All names that are listed."""
    return [SOUNDNESSBENCH, *(f"{year}/{name}" for year, names in BENCHMARKS.items() for name in names)]


def near(name: str) -> str:
    """Words that tell which known names are like one that is not known."""
    matches = difflib.get_close_matches(name, known_names(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(matches)}? " if matches else ""
    return f"{hint}`soundbench download --list` lists names"
