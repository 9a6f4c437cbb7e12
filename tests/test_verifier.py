import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from fake_verifiers import IMPORTS, Scripted, scripted, writes
from processes import is_running, python

from soundbench.claim import Answer, Claim, EndReason
from soundbench.errors import InputError
from soundbench.instance import Instance
from soundbench.option import Option
from soundbench.verifier import Selection, Task, Verifier


@pytest.fixture
def instance(tmp_path):
    (tmp_path / "armed_secret.onnx").write_bytes(b"network")
    (tmp_path / "armed_secret.vnnlib").write_bytes(b"property")
    return Instance("armed_secret", tmp_path / "armed_secret.onnx", tmp_path / "armed_secret.vnnlib", 20.0)


def claimed(instance, script, **limits) -> tuple[Claim, str]:
    execution = scripted(script).answer(instance, **limits)
    return execution.answer.claim, execution.answer.raw


def test_a_name_and_a_command_are_enough(instance):
    class Mine(Verifier):
        name = "mine"

        def command(self, task: Task) -> list[str]:
            return python("import sys; open(sys.argv[1], 'w').write('unsat')", str(task.result))

    assert Mine().answer(instance).answer == Answer(Claim.VERIFIED, "unsat")


def test_the_counterexample_is_kept(instance):
    answer = scripted(writes("sat\n((X_0 1.0))\n")).answer(instance).answer
    assert answer == Answer(Claim.FALSIFIED, "sat", "((X_0 1.0))\n")


@pytest.mark.parametrize(
    ("script", "claim", "raw"),
    [
        (writes("UNSAT\n"), Claim.VERIFIED, "UNSAT"),
        (writes("sat\n"), Claim.FALSIFIED, "sat"),
        (writes("unsat,12.3\n"), Claim.VERIFIED, "unsat,12.3"),
        (writes("") + "print('unsat')", Claim.ERROR, "empty result file"),
        ("print('unsat')", Claim.ERROR, "no result file"),
        (writes("\x00\x01 unsat \n"), Claim.ERROR, "\x00\x01 unsat"),
        ("os.mkdir(result)", Claim.ERROR, "result file cannot be read: not a plain file"),
        ("os.remove(onnx)\n" + writes("unsat"), Claim.VERIFIED, "unsat"),
    ],
)
def test_what_counts_is_the_result_file(instance, script, claim, raw):
    assert claimed(instance, script) == (claim, raw)


@pytest.mark.parametrize("word", ["unsat", "sat"])
@pytest.mark.parametrize(
    ("ending", "description"), [("sys.exit(1)", "exit code 1"), ("os.kill(os.getpid(), 11)", "signal 11")]
)
def test_a_verdict_of_a_crashed_process_is_an_error(instance, word, ending, description):
    assert claimed(instance, writes(word) + ending) == (Claim.ERROR, f"{word} ({description})")


def test_a_crashed_process_may_still_say_why_it_gave_up(instance):
    assert claimed(instance, writes("unsupported") + "sys.exit(1)") == (Claim.UNSUPPORTED, "unsupported")


def test_who_is_stopped_at_the_wall_limit_has_claimed_a_timeout(instance):
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    execution = scripted(ignore + writes("unsat") + "time.sleep(60)").answer(instance, timeout_seconds=0.5)
    assert execution.answer == Answer(Claim.TIMEOUT, "unsat")
    assert execution.ending.reason is EndReason.WALL_LIMIT


def test_who_answers_while_being_terminated_has_claimed_a_timeout(instance):
    answer = "signal.signal(signal.SIGTERM, lambda *_: (open(result, 'w').write('unsat'), sys.exit(0)))\n"
    assert claimed(instance, answer + "time.sleep(60)", timeout_seconds=0.5)[0] is Claim.TIMEOUT


def test_who_is_stopped_at_the_limit_of_cpu_time_has_claimed_a_timeout(instance):
    execution = scripted(writes("unsat") + "while True: pass").answer(instance, cpu_seconds=0.3)
    assert execution.answer == Answer(Claim.TIMEOUT, "unsat")
    assert execution.ending.reason is EndReason.CPU_LIMIT


def test_a_home_and_a_number_of_threads_of_its_own(instance):
    class AtHome(Scripted):
        script = "print(os.environ['HOME'], os.environ['OMP_NUM_THREADS'], os.environ['PATH'])\n" + writes("unknown")

        def environment(self, task):
            return {"HOME": str(task.folder / "home"), "OMP_NUM_THREADS": "3", "PATH": "/bin"}

    home, threads, path = AtHome().answer(instance).log.split()
    assert (Path(home).name, threads, path) == ("home", "3", "/bin")
    assert not Path(home).exists()


def test_who_is_stopped_at_the_memory_limit_has_failed(instance):
    hungry = writes("unsat") + "x = bytearray(200 << 20); time.sleep(60)"
    claim, raw = claimed(instance, hungry, memory_bytes=100 << 20)
    assert (claim, raw) == (Claim.ERROR, "unsat (stopped at the memory limit)")


def test_a_tool_that_cannot_be_started_has_failed(instance):
    class Gone(Scripted):
        def command(self, task: Task) -> list[str]:  # noqa: ARG002
            return ["/nonexistent/tool"]

    execution = Gone().answer(instance)
    assert (execution.answer.claim, execution.ending.reason) == (Claim.ERROR, EndReason.NOT_STARTED)
    assert "/nonexistent/tool could not be started" in execution.log


def test_the_task_is_a_private_copy_that_is_removed(instance):
    look = "print(os.getcwd(), onnx, vnnlib, timeout, open(onnx).read(), open(vnnlib).read())\n"
    execution = scripted(look + "open(onnx, 'w').write('changed')\n" + writes("unknown")).answer(instance)
    folder, onnx, vnnlib, timeout, *contents = execution.log.split()
    assert contents == ["network", "property"]
    assert timeout == "20.0"
    assert Path(onnx).parent == Path(vnnlib).parent == Path(folder)
    assert not Path(folder).parent.exists()
    assert instance.onnx.read_bytes() == b"network"


def test_the_task_does_not_tell_which_instance_it_is(instance):
    execution = scripted("print(sys.argv, os.environ, os.listdir('..'), os.listdir('.'))").answer(instance)
    assert "secret" not in execution.log
    assert str(instance.onnx.parent) not in execution.log


def test_packed_files_are_unpacked(instance, tmp_path):
    packed = tmp_path / "property.vnnlib.gz"
    packed.write_bytes(gzip.compress(b"property"))
    zipped = Instance("packed", instance.onnx, packed, 20.0)
    assert "property.vnnlib property" in scripted("print(vnnlib, open(vnnlib).read())").answer(zipped).log


@pytest.mark.parametrize(("limit", "name"), [("LARGEST_PROPERTY", "vnnlib"), ("LARGEST_NETWORK", "onnx")])
def test_files_are_unpacked_within_a_limit(instance, tmp_path, monkeypatch, limit, name):
    packed = tmp_path / f"bomb.{name}.gz"
    packed.write_bytes(gzip.compress(bytes(10_000)))
    monkeypatch.setattr(f"soundbench.verifier.{limit}", 9_999)
    with pytest.raises(InputError, match=rf"bomb\.{name}\.gz: holds more than 9,999 bytes"):
        scripted("").answer(replace(instance, **{name: packed}))


@pytest.mark.parametrize("content", [None, b"\x1f\x8bdamaged"])
def test_an_instance_that_cannot_be_read_is_named(instance, content):
    instance.vnnlib.unlink()
    if content is not None:
        instance.vnnlib.write_bytes(content)
    with pytest.raises(InputError, match=r"armed_secret\.vnnlib"):
        scripted("").answer(instance)


def test_our_python_settings_do_not_reach_the_verifier(instance, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("LICENCE", "kept")
    log = scripted("print(os.environ.get('PYTHONPATH'), os.environ['LICENCE'])").answer(instance).log
    assert log.split() == ["None", "kept"]


def test_a_verifiers_own_variables_reach_it(instance):
    class Tuned(Scripted):
        script = "print(os.environ['THREADS'])"

        def environment(self, task: Task) -> dict[str, str]:  # noqa: ARG002
            return {"THREADS": "1"}

    assert Tuned().answer(instance).log == "1\n"


def test_nothing_of_a_task_lives_on(instance):
    fork = "child = os.fork()\nif child == 0: time.sleep(60)\nprint(child)\n"
    assert not is_running(int(scripted(fork).answer(instance).log))


class Prepared(Scripted):
    preparing = "open('prepared', 'w').write('yes')"
    script = "print(open('prepared').read())\n" + writes("unsat")

    def preparation(self, task: Task) -> list[str]:
        return python(IMPORTS + self.preparing, str(task.onnx), str(task.vnnlib), str(task.result), "0")


def test_a_preparation_runs_before_and_is_timed_apart(instance):
    execution = Prepared().answer(instance)
    assert (execution.answer.claim, execution.log) == (Claim.VERIFIED, "yes\n")
    assert execution.prepare_seconds > 0


def test_a_failed_preparation_is_an_error_whatever_it_wrote(instance):
    class Failing(Prepared):
        preparing = writes("unsat") + "sys.exit(2)"

    assert Failing().answer(instance).answer == Answer(Claim.ERROR, "preparation failed: exit code 2")


def test_log_and_result_can_both_be_read_by_a_subclass(instance):
    class Printing(Scripted):
        script = "print('Result: unsat')"

        def read_answer(self, task, ending, log):  # noqa: ARG002
            return Answer(Claim.VERIFIED if "Result: unsat" in log.splitlines() else Claim.ERROR, log.strip())

    assert Printing().answer(instance).answer.claim is Claim.VERIFIED


class Optioned(Scripted):
    name = "optioned"
    versions = ("2.0", "1.0")
    options = (
        Option("threads", 1, "how many"),
        Option("slack", 0.5, "how much"),
        Option("fast", default=False, help="whether"),
        Option("method", "crown", "which", ("crown", "ibp")),
    )


def test_options_have_their_defaults_and_types():
    assert Optioned().settings == {"threads": 1, "slack": 0.5, "fast": False, "method": "crown"}
    given = {"threads": "4", "slack": "1e-3", "fast": "True", "method": "ibp"}
    settings = Optioned(Selection("optioned", options=given)).settings
    assert settings == {"threads": 4, "slack": 0.001, "fast": True, "method": "ibp"}
    assert [type(value) for value in settings.values()] == [int, float, bool, str]


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"options": {"threads": "many"}}, "a whole number"),
        ({"options": {"slack": "x"}}, "a number"),
        ({"options": {"fast": "maybe"}}, "true or false"),
        ({"options": {"method": "magic"}}, "crown, ibp"),
        ({"options": {"depth": "1"}}, "threads, slack, fast, method"),
        ({"version": "3.0"}, "2.0, 1.0"),
        ({"argument": "folder"}, "colon"),
    ],
)
def test_a_wrong_selection_is_one_line_that_says_what_there_is(selection, words):
    with pytest.raises(InputError, match=words) as error:
        Optioned(Selection("optioned", **selection))
    assert "\n" not in str(error.value)


def hooked(hook, returned=None, error=None):
    """A prepared verifier of which one hook returns or raises something else."""

    def replacement(_self, *_):
        if error is not None:
            raise error
        return returned

    return type("Hooked", (Prepared,), {hook: replacement})()


@pytest.mark.parametrize("error", [ZeroDivisionError("of mine"), SystemExit(0), InputError("a\nb"), ValueError("a\n")])
@pytest.mark.parametrize(
    ("hook", "reason"),
    [
        ("preparation", EndReason.NOT_STARTED),
        ("environment", EndReason.NOT_STARTED),
        ("command", EndReason.NOT_STARTED),
        ("read_answer", EndReason.EXIT),
    ],
)
def test_a_hook_that_fails_is_an_error_of_that_task(instance, hook, reason, error):
    execution = hooked(hook, error=error).answer(instance)
    assert execution.answer.claim is Claim.ERROR
    assert execution.answer.raw.startswith("its class failed: ")
    assert execution.ending.reason is reason
    assert (execution.prepare_seconds > 0) == (hook in ("command", "read_answer"))
    assert "Traceback" in execution.log
    assert type(error).__name__ in execution.log
    assert ("yes" in execution.log) == (hook == "read_answer")


@pytest.mark.parametrize(
    ("hook", "returned", "words"),
    [
        ("environment", {"THREADS": 1}, "must map texts to texts"),
        ("environment", None, "TypeError"),
        ("read_answer", None, "must return an Answer"),
        ("read_answer", "unsat", "must return an Answer"),
        ("read_answer", Answer("unsat", "unsat"), "must be a Claim"),
        ("read_answer", Answer(Claim.FALSIFIED, "sat", b"((X_0 1))"), "must be texts"),
        ("read_answer", Answer(Claim.FALSIFIED, Path("sat")), "must be texts"),
        ("preparation", "true", "must be a list of texts, not str"),
        ("preparation", [], "a command must not be empty"),
        ("command", None, "must be a list of texts, not NoneType"),
        ("command", ["true", 1], "TypeError"),
    ],
)
def test_a_hook_that_returns_something_else_is_an_error_of_that_task(instance, hook, returned, words):
    execution = hooked(hook, returned).answer(instance)
    assert execution.answer.claim is Claim.ERROR
    assert words in execution.answer.raw


def test_a_reader_that_fails_on_what_was_stopped_leaves_it_a_timeout(instance):
    class Unread(Scripted):
        script = "time.sleep(60)"

        def read_answer(self, task, ending, log):  # noqa: ARG002
            raise FileNotFoundError(task.result)

    assert Unread().answer(instance, timeout_seconds=0.2).answer.claim is Claim.TIMEOUT


def test_a_command_may_hold_paths_and_be_a_tuple(instance):
    class Copies(Scripted):
        def command(self, task):
            return (Path("/bin/cp"), task.onnx, task.result)

    instance.onnx.write_text("unsat")
    assert Copies().answer(instance).answer.claim is Claim.VERIFIED


def test_an_edited_class_has_another_version(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    versions = []
    for number in (1, 1, 2):
        text = f"from soundbench.verifier import Verifier\nclass Mine(Verifier):\n    name = 'mine'\n    x = {number}\n"
        (tmp_path / f"edited_{len(versions)}.py").write_text(text + "    def command(self, task): return ['true']\n")
        versions.append(__import__(f"edited_{len(versions)}").Mine().version())
    assert versions[0] == versions[1] != versions[2]
