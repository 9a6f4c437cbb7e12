import subprocess
import threading
import zipfile

import pytest
from processes import python

from soundbench import environment
from soundbench.environment import (
    Environment,
    data_folder,
    free_megabytes,
    install_environment,
    remove_environment,
)
from soundbench.errors import InputError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SOUNDBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def builds(monkeypatch):
    """Replaces the slow part by one that makes an interpreter; a list of what was built."""
    built = []

    def build(wanted, log) -> None:
        built.append(wanted)
        log.write_text("built")
        wanted.python.parent.mkdir(parents=True)
        wanted.python.write_text("")

    monkeypatch.setattr(environment, "_build", build)
    return built


TOOL = Environment("tool", "1.0", ("tool==1.0",))


def test_the_data_folder_can_be_moved(home, monkeypatch):
    assert data_folder() == home
    monkeypatch.delenv("SOUNDBENCH_HOME")
    assert data_folder().name == "soundbench"


def test_an_environment_is_built_once(builds, home):
    assert not TOOL.is_complete()
    install_environment(TOOL)
    install_environment(TOOL)
    assert TOOL.is_complete()
    assert builds == [TOOL]
    assert TOOL.folder == home / "environments" / "tool-1.0"


def test_other_requirements_make_it_incomplete(builds):
    install_environment(TOOL)
    changed = Environment("tool", "1.0", ("tool==1.0", "numpy==1.0"))
    assert not changed.is_complete()
    install_environment(changed)
    assert builds == [TOOL, changed]


@pytest.mark.usefixtures("builds")
def test_a_lost_interpreter_makes_it_incomplete():
    install_environment(TOOL)
    TOOL.python.unlink()
    assert not TOOL.is_complete()


def test_a_package_is_installed_alone_after_the_others(builds):
    both = Environment("tool", "1.0", ("tool==1.0",), ("stubborn==2.0",))
    *_, together, alone = both.steps()
    assert together[-3:] == ("install", "--no-input", "tool==1.0")
    assert alone[-3:] == ("--no-input", "--no-deps", "stubborn==2.0")
    assert len(TOOL.steps()) == 2
    install_environment(TOOL)
    assert not both.is_complete()
    assert not Environment("tool", "1.0", ("tool==1.0", "stubborn==2.0")).is_complete()
    install_environment(both)
    assert both.is_complete()
    assert builds == [TOOL, both]


@pytest.mark.usefixtures("builds")
def test_an_environment_is_removed():
    install_environment(TOOL)
    remove_environment(TOOL)
    assert not TOOL.folder.exists()
    assert not TOOL.is_complete()
    with pytest.raises(InputError, match=r"tool 1\.0 is not installed"):
        remove_environment(TOOL)


def test_free_space_is_told_before_the_folder_exists(home):
    assert not home.exists()
    assert free_megabytes() > 0


def test_an_interrupted_installation_is_not_complete_and_is_built_anew(monkeypatch, builds):
    build = environment._build

    def interrupted(wanted, log) -> None:
        build(wanted, log)
        (wanted.folder / "half").write_text("")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(environment, "_build", interrupted)
        with pytest.raises(KeyboardInterrupt):
            install_environment(TOOL)
    assert not TOOL.is_complete()
    install_environment(TOOL)
    assert TOOL.is_complete()
    assert not (TOOL.folder / "half").exists()
    assert len(builds) == 2


def test_a_second_installation_waits_for_the_first(monkeypatch, builds):
    build, may_go_on = environment._build, threading.Event()

    def slow(wanted, log) -> None:
        may_go_on.wait(10)
        build(wanted, log)

    monkeypatch.setattr(environment, "_build", slow)
    threads = [threading.Thread(target=install_environment, args=(TOOL,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    may_go_on.set()
    for thread in threads:
        thread.join(10)
    assert builds == [TOOL]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SOUNDBENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(InputError, match="SOUNDBENCH_HOME"):
        install_environment(TOOL)


def test_a_failing_step_names_the_log(monkeypatch):
    monkeypatch.setattr(environment.sys, "executable", python("")[0] + "-missing")
    with pytest.raises(InputError):
        install_environment(TOOL)


@pytest.mark.slow
def test_a_package_is_really_installed_and_a_missing_one_is_not(tmp_path):
    wheel = tmp_path / "tool-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tool.py", "ANSWER = 42\n")
        archive.writestr("tool-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n")
        archive.writestr("tool-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tool-1.0.dist-info/RECORD", "")
    local = Environment("tool", "1.0", ("--no-index", str(wheel)))
    install_environment(local)
    command = [str(local.python), "-c", "import tool; print(tool.ANSWER)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "42\n"

    missing = Environment("tool", "2.0", ("--no-index", "no-such-package==1"))
    with pytest.raises(InputError, match=r"pip ended with 1; see .*tool-2\.0\.log") as error:
        install_environment(missing)
    assert "\n" not in str(error.value)
    assert "no-such-package" in (missing.folder.parent / "tool-2.0.log").read_text()
    assert not missing.is_complete()
