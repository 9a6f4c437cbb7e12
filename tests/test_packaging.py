"""What is built can be installed elsewhere, holds what it needs, and puts nothing generic beside other packages."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ["torch", "onnx", "onnxruntime", "numpy", "flint"]


def copy_of_the_sources(target, *left_out):
    made = (".*", "build", "dist", "runs", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*made, *left_out))
    return target


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder that holds the source distribution and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("packaging")
    sources = copy_of_the_sources(folder / "sources")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", sources]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder / "dist"


@pytest.fixture(scope="module")
def names(built):
    """The names in the wheel."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """A folder into which the wheel was installed."""
    target = tmp_path_factory.mktemp("installed")
    (wheel,) = built.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel]
    subprocess.run(install, check=True)
    return target


def run(installed, arguments, folder):
    """Run Python in another folder, with what was installed before anything else."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def test_nothing_generic_lands_beside_other_packages(names):
    assert {name.partition("/")[0] for name in names} == {"soundbench", "soundbench-0.1.0.dist-info"}


@pytest.mark.parametrize(
    "name",
    [
        "soundbench/py.typed",
        "soundbench/cli/__init__.py",
        "soundbench/instances/core.toml",
        "soundbench/verifiers/vnncomp.py",
        "soundbench/verifiers/marabou/solve.py",
        "soundbench/verifiers/marabou/requirements-2.0.0.txt",
        "soundbench/verifiers/auto_lirpa/requirements-0.3.txt",
        "soundbench/verifiers/neuralsat/requirements-0.2.17.txt",
        "soundbench/verifiers/reference/__main__.py",
        "soundbench-0.1.0.dist-info/licenses/LICENSE",
    ],
)
def test_the_wheel_holds(names, name):
    assert name in names


@pytest.mark.parametrize(
    ("folder", "package"),
    [
        ("soundbench", "soundbench"),
        ("cli", "soundbench/cli"),
        ("verifiers", "soundbench/verifiers"),
        ("instances/core", "soundbench/instances/core"),
    ],
)
def test_the_wheel_holds_every_file_of(names, folder, package):
    root = ROOT / folder
    files = [path.relative_to(root) for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert files
    assert {f"{package}/{path.as_posix()}" for path in files} <= names


def test_the_source_distribution_holds_what_the_wheel_is_built_from(built):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "instances/core.toml", "instances/core/suite.json"} <= names


def test_the_installed_package_reads_its_suite_from_any_folder(installed, tmp_path):
    code = (
        "import soundbench\nfrom soundbench.cli.shipped import core_suite\nfrom soundbench.suite import load_suite\n"
        "print(soundbench.__file__, core_suite(), len(load_suite(core_suite()).instances), sep='\\n')"
    )
    module, suite, count = run(installed, ["-c", code], tmp_path).splitlines()
    assert module == str(installed / "soundbench" / "__init__.py")
    assert suite == str(installed / "soundbench" / "instances" / "core")
    assert int(count) == len((ROOT / "instances" / "core" / "instances.csv").read_text().splitlines())


def test_the_installed_command_lists_the_verifiers(installed, tmp_path):
    listed = run(installed, [installed / "bin" / "soundbench", "verifiers", "list"], tmp_path)
    assert {"marabou", "reference", "vnncomp:FOLDER"} <= {line.split()[0] for line in listed.splitlines()}


@pytest.mark.slow
def test_the_installed_command_certifies_its_suite(installed, tmp_path):
    said = run(installed, [installed / "bin" / "soundbench", "certify"], tmp_path)
    assert said.startswith(f"{installed / 'soundbench' / 'instances' / 'core'}: certified ")


def test_help_imports_nothing_heavy(installed, tmp_path):
    code = (
        "import sys\nfrom soundbench.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert run(installed, ["-c", code], tmp_path).splitlines()[-1] == "[]"


@pytest.mark.slow
def test_lint_reports_type_errors_in_every_package(tmp_path):
    sources = copy_of_the_sources(tmp_path / "sources", "tests", "benchmarks")
    (sources / ".venv").symlink_to(Path(sys.prefix))
    for folder in ("soundbench", "verifiers", "cli"):
        text = '"""A planted type error."""\n\nNUMBER: int = "no number"\n'
        (sources / folder / f"planted_in_{folder}.py").write_text(text)
    # `-o`: the environment is there, and is not to be installed anew from the copy.
    command = ["make", "-o", ".venv/.installed", "lint"]
    ended = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    for folder in ("soundbench", "verifiers", "cli"):
        assert f"planted_in_{folder}.py:3: error: Incompatible types in assignment" in ended.stdout
