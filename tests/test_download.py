"""Mirrors of what is published, made small and served on loopback, are fetched, imported, and evaluated."""

import contextlib
import errno
import gzip
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
import requests
from click.testing import CliRunner
from loopback import Answer, Files, Hub, refs, serving
from soundbench.cli import main
from vnncomp_tree import write_benchmark

from soundbench.download import short_name
from soundbench.export import save_onnx
from soundbench.export_module import module_to_onnx
from soundbench.ground_truth import Expected
from soundbench.known_benchmarks import DATASET
from soundbench.networks import build_network
from soundbench.replay import open_onnx
from soundbench.suite import load_suite, sha256

SPLIT, MODEL, SHAPE = "synthetic_cnn_1_conv_ch1_eps0.2", "synthetic_cnn_1_conv_ch1", (1, 5, 5)
BOX = "".join(f"(assert (>= X_{i} -0.02))(assert (<= X_{i} 0.02))\n" for i in range(25))
NAMES = (
    "".join(f"(declare-const X_{i} Real)\n" for i in range(25)) + "(declare-const Y_0 Real)(declare-const Y_1 Real)\n"
)
PROPERTY = f"{NAMES}{BOX}(assert (<= Y_0 Y_1))\n"


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """A folder, a cache and a hub of one's own, and no waiting."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)


def download(*arguments):
    return CliRunner().invoke(main, ["download", *map(str, arguments), "--cache", "cache"])


def refused(result, *words):
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    message = result.stderr.splitlines()[-1]
    assert message.startswith("soundbench: ")
    assert "Traceback" not in result.stderr
    for each in words:
        assert each in message
    return True


@pytest.fixture(scope="module")
def network():
    return build_network("cnn_1_conv", SHAPE, 3).eval()


def flat(network):
    return np.concatenate([tensor.numpy().ravel() for _, tensor in sorted(network.state_dict().items())])


def table(weights, count=12, **changed):
    """A table of the dataset, as the published ones are."""
    import pyarrow as pa
    from pyarrow import parquet

    row = {"model_name": MODEL, "model_weights": weights.tolist(), "input_shape": list(SHAPE), "vnnlib": PROPERTY}
    rows = [{**row, "timeout": 100, **changed} for _ in range(count)]
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue().to_pybytes()


@pytest.fixture
def tables(network):
    """The dataset as it is today: a table a model."""
    files = {f"data/{SPLIT}-00000-of-00001.parquet": table(flat(network)), "README.md": b"# not needed"}
    with serving(Hub(DATASET, files)) as hub:
        yield hub


@pytest.fixture
def folders(network, tmp_path):
    """The dataset as it was: a folder a model, with pickles in it."""
    save_onnx(module_to_onnx(network, SHAPE, 2), tmp_path / "n.onnx")
    lines = "".join(f"model.onnx,vnnlib/{number}.vnnlib,100\n" for number in range(12))
    # No two are alike, or the hub's client would keep them as one.
    files = {f"data/{SPLIT}/vnnlib/{number}.vnnlib": f"; {number}\n{PROPERTY}".encode() for number in range(12)}
    files |= {f"data/{SPLIT}/model.onnx": (tmp_path / "n.onnx").read_bytes(), f"data/{SPLIT}/model.pt": b"\x80\x04K."}
    with serving(Hub(DATASET, {**files, f"data/{SPLIT}/instances.csv": lines.encode()})) as hub:
        yield hub


def check_published(folder, network):
    suite = load_suite(Path(folder))
    assert (suite.name, len(suite.instances)) == ("soundnessbench", 12)
    families = [suite.ground_truth[each.name].family.rpartition(" ")[2] for each in suite.instances]
    assert families == ["unverifiable"] * 2 + ["clean"] * 10
    assert {each.expected for each in suite.ground_truth.values()} == {Expected.UNKNOWN}
    (onnx,) = {each.onnx for each in suite.instances}
    zeros = open_onnx(onnx).run([0] * 25)
    import torch

    expected = network(torch.zeros(1, *SHAPE))[0].tolist()
    assert np.allclose([float(each) for each in zeros], expected, atol=1e-5)
    return suite


@pytest.mark.parametrize("layout", ["tables", "folders"])
def test_the_dataset_in_either_layout_becomes_a_suite_and_runs(layout, network, request):
    hub = request.getfixturevalue(layout)
    result = download("soundnessbench", "--mirror", hub.address, "--out", "suite")
    assert result.exit_code == 0, result.output
    suite = check_published("suite", network)
    assert suite.version == hub.commit
    asked = " ".join(path for _, path, _ in hub.requests)
    assert "README" not in asked
    assert "model.pt" not in asked
    evaluated = CliRunner().invoke(
        main, ["evaluate", "fake_verifiers:SaysVerified", "--suite", "suite", "--min-exercised", "0", "--limit", "2"]
    )
    assert evaluated.exit_code == 0, evaluated.output
    assert re.search(r"unconfirmed +2\n", evaluated.stdout)


def test_without_a_connection_the_hubs_cache_will_do(tables, network):
    assert download("soundnessbench", "--mirror", tables.address, "--out", "first").exit_code == 0
    with serving(Files({})) as gone:
        pass
    result = download("soundnessbench", "--mirror", gone.address, "--out", "second")
    assert result.exit_code == 0, result.output
    check_published("second", network)


def test_the_endpoint_of_the_environment_counts(tables, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", tables.address)
    assert download("soundnessbench", "--out", "suite").exit_code == 0


def test_what_the_hub_lacks_is_told(tables):
    result = download("soundnessbench", "--mirror", tables.address, "--revision", "old")
    refused(result, DATASET, "has no revision 'old'; leave --revision out for the newest")
    with serving(Hub("Someone/Else", {})) as other:
        refused(download("soundnessbench", "--mirror", other.address), "there is no such dataset at http://127")
    with serving(Files({})) as gone:
        pass
    refused(download("soundnessbench", "--mirror", gone.address), "cannot be fetched, and is not in the cache; check")


def test_what_was_altered_on_the_way_is_refused_and_fetched_again(folders):
    name = f"data/{SPLIT}/vnnlib/0.vnnlib"
    folders.altered[name] = folders.content[name].replace(b"0.02", b"0.03")
    refused(download("soundnessbench", "--mirror", folders.address), "0.vnnlib: is not what its hash says")
    folders.altered.clear()
    assert download("soundnessbench", "--mirror", folders.address).exit_code == 0


def test_a_busy_hub_is_asked_again(tables):
    tables.script[f"/api/datasets/{DATASET}/revision/main"] = [Answer(503, {"Retry-After": "0"})]
    tables.script[f"/cdn/data/{SPLIT}-00000-of-00001.parquet"] = [Answer(429, {"Retry-After": "0"})]
    result = download("soundnessbench", "--mirror", tables.address)
    assert result.exit_code == 0, result.output


def test_a_transfer_of_the_hub_that_breaks_off_is_gone_on_with_or_told(tables):
    name = f"data/{SPLIT}-00000-of-00001.parquet"
    tables.altered[name] = tables.content[name][:-10]
    refused(download("soundnessbench", "--mirror", tables.address), DATASET)
    tables.altered.clear()
    assert download("soundnessbench", "--mirror", tables.address).exit_code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda weights: table(weights[:-1], 1), f"model '{MODEL}': has 353,262 numbers, but 353,261 are given"),
        (lambda weights: table(weights, 1, input_shape=[3, 5, 5]), "has 353,442 numbers, but 353,262 are given"),
        (lambda weights: table(weights, 1, model_name="synthetic_gpt"), "unknown architecture; known: cnn_1_conv"),
        (lambda weights: table(weights, 1, timeout=-1), "a row is not of the form model_name, model_weights"),
        (lambda weights: table(weights, 1, vnnlib=None), "a row is not of the form model_name, model_weights"),
        (lambda weights: table(weights[:5], 1)[:-50], "not readable as parquet"),
        (lambda _: b"gibberish", "not readable as parquet"),
    ],
)
def test_rows_that_do_not_fit_are_refused(network, content, words):
    with serving(Hub(DATASET, {f"data/{SPLIT}.parquet": content(flat(network))})) as hub:
        refused(download("soundnessbench", "--mirror", hub.address), f"{SPLIT}.parquet: ", words)


def test_a_table_whose_name_leads_out_stays_inside(network):
    with serving(Hub(DATASET, {"data/..-00000-of-00001.parquet": table(flat(network), 1)})) as hub:
        assert download("soundnessbench", "--mirror", hub.address, "--out", "suite").exit_code == 0
    assert len(load_suite(Path("suite")).instances) == 1


def test_fresh_tables_are_fetched_again(tables):
    for options in ([], ["--fresh"]):
        assert (
            download("soundnessbench", "--mirror", tables.address, "--out", f"s{len(options)}", *options).exit_code == 0
        )
    assert len([path for method, path, _ in tables.requests if method == "GET" and path.startswith("/cdn/")]) == 2


def test_a_table_of_something_else_is_refused():
    import pyarrow as pa
    from pyarrow import parquet

    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"text": ["a"]}), sink)
    with serving(Hub(DATASET, {"data/a.parquet": sink.getvalue().to_pybytes()})) as hub:
        refused(download("soundnessbench", "--mirror", hub.address), "has no column 'model_name'")
    with serving(Hub(DATASET, {"README.md": b""}, "d" * 40)) as hub:
        refused(download("soundnessbench", "--mirror", hub.address), "holds neither tables nor instances.csv")


REFS = "/VNN-COMP/vnncomp2025_benchmarks.git/info/refs"
COMMIT, NEWER = "a" * 40, "b" * 40


def at_commit(server, revision, timeout=100):
    """The files of `main` as those of another revision, with another timeout."""
    return {
        path.replace("/main/", f"/{revision}/"): content.replace(b",100\n", f",{timeout}\n".encode())
        for path, content in server.files.items()
        if "/vnncomp2025_benchmarks/main/" in path
    }


def no_connection(*_, **__):
    raise requests.ConnectionError


class TestVnnComp:
    @pytest.fixture
    def server(self, tiny_suite, tmp_path):
        """Repositories of two years: one folder a benchmark, and one a version of VNN-LIB in it."""
        files = {"/VNN-COMP/vnncomp2026_benchmarks/main/README.md": b"of gigabytes"}
        for year, name, versions in (
            ("2025", "soundnessbench", ("",)),
            ("2026", "soundnessbench", ("1.0", "2.0")),
            ("2026", "soundnessbench_2026", ("2.0",)),
        ):
            root = write_benchmark(tiny_suite, tmp_path / f"source-{year}-{name}", versions=versions)
            base = f"/VNN-COMP/vnncomp{year}_benchmarks/main/benchmarks/{name}"
            files |= {
                f"{base}/{path.relative_to(root).as_posix()}": path.read_bytes()
                for path in root.rglob("*")
                if path.is_file()
            }
        with serving(Files(files)) as served:
            yield served

    @pytest.fixture
    def told(self, server):
        """The same, at a commit of which the server tells that it is the branch `main`."""
        server.files |= {**at_commit(server, COMMIT), REFS: refs({"HEAD": COMMIT, "refs/heads/main": COMMIT})}
        return server

    @pytest.mark.parametrize(
        ("name", "has_2"),
        [
            ("vnncomp2025/soundnessbench", False),
            ("vnncomp2026/soundnessbench", False),
            ("vnncomp2026/soundnessbench_2026", True),
        ],
    )
    def test_a_benchmark_becomes_a_suite_and_runs(self, server, name, has_2):
        result = download(name, "--mirror", server.address)
        assert result.exit_code == 0, result.output
        folder = name.partition("/")[2]
        suite = load_suite(Path(folder))
        assert (suite.name, len(suite.instances), (suite.root / "vnnlib2").exists()) == (folder, 7, has_2)
        assert not any("README" in path for _, path, _ in server.requests)
        evaluated = CliRunner().invoke(
            main, ["evaluate", "fake_verifiers:SaysVerified", "--suite", folder, "--min-exercised", "0", "--limit", "2"]
        )
        assert evaluated.exit_code == 0, evaluated.output

    def test_a_branch_that_moves_is_fetched_as_it_is_now(self, told):
        """Also if what came first broke off: no two revisions are put together."""
        name, newer = "vnncomp2025/soundnessbench", at_commit(told, NEWER, timeout=7)
        last = next(path for path in reversed(told.files) if f"/{COMMIT}/" in path)
        content = told.files.pop(last)
        refused(download(name, "--mirror", told.address, "--out", "none"), "there is no such file")
        told.files |= {**newer, REFS: refs({"refs/heads/main": NEWER})}
        result = download(name, "--mirror", told.address, "--out", "new")
        assert f"revision: main, commit {NEWER}\n" in result.stdout
        told.files[last] = content
        assert download(name, "--mirror", told.address, "--out", "old", "--revision", COMMIT).exit_code == 0
        suites = [load_suite(Path(each)) for each in ("old", "new")]
        assert [{each.timeout_seconds for each in suite.instances} for suite in suites] == [{100.0}, {7.0}]
        assert [suite.version for suite in suites] == [f"vnncomp2025 {COMMIT}", f"vnncomp2025 {NEWER}"]

    def test_a_server_that_tells_no_commits_is_asked_for_all_files_each_time(self, server):
        name = "vnncomp2025/soundnessbench"
        assert download(name, "--mirror", server.address, "--out", "one").exit_code == 0
        server.files |= at_commit(server, "main", timeout=7)
        result = download(name, "--mirror", server.address, "--out", "two")
        assert f"revision: main; {server.address} does not tell which commit that is\n" in result.stdout
        suites = [load_suite(Path(each)) for each in ("one", "two")]
        assert [{each.timeout_seconds for each in suite.instances} for suite in suites] == [{100.0}, {7.0}]

    def test_a_folder_that_changes_is_fetched_as_it_is_now_and_offline_as_it_was(self, server):
        address = f"{server.address}/VNN-COMP/vnncomp2025_benchmarks/main/benchmarks/soundnessbench"
        for out in ("one", "two"):
            assert download(address, "--out", out).exit_code == 0
            server.files |= at_commit(server, "main", timeout=7)
        assert {each.timeout_seconds for each in load_suite(Path("two")).instances} == {7.0}
        with contextlib.ExitStack() as stack:
            stack.enter_context(pytest.MonkeyPatch.context()).setattr("soundbench.fetch.requests.get", no_connection)
            result = download(address, "--out", "three")
        assert re.search(r"revision: http.*; no connection: as it was on 20[0-9-]+\n", result.stdout), result.output
        assert {each.timeout_seconds for each in load_suite(Path("three")).instances} == {7.0}

    def test_the_cache_will_do_and_is_forgotten_when_asked(self, told):
        name = "vnncomp2025/soundnessbench"
        assert download(name, "--mirror", told.address, "--out", "one").exit_code == 0
        count = len(told.requests)
        assert download(name, "--mirror", told.address, "--out", "two").exit_code == 0
        assert [path for _, path, _ in told.requests[count:]] == [REFS]
        with serving(Files({})) as gone:
            pass
        result = download(name, "--mirror", gone.address, "--out", "offline")
        assert re.search(rf"revision: no connection: main as it was on 20[0-9-]+, commit {COMMIT}\n", result.stdout)
        assert download(name, "--mirror", told.address, "--out", "three", "--fresh").exit_code == 0
        assert len(told.requests) > count + 2

    def test_what_cannot_be_fetched_anew_leaves_the_cache_as_it_is(self, server):
        name = "vnncomp2025/soundnessbench"
        assert download(name, "--mirror", server.address, "--out", "one").exit_code == 0
        with serving(Files({})) as gone:
            pass
        refused(download(name, "--mirror", gone.address, "--out", "two", "--fresh"), "cannot be fetched")
        assert download(name, "--mirror", gone.address, "--out", "three").exit_code == 0

    def test_a_folder_at_an_address_will_do(self, server):
        address = f"{server.address}/VNN-COMP/vnncomp2025_benchmarks/main/benchmarks/soundnessbench"
        assert download(address, "--out", "suite").exit_code == 0
        assert load_suite(Path("suite")).name == "soundnessbench"
        refused(download(f"{server.address}/nothing", "--out", "none"), "there is no instances.csv; check the name")

    def test_the_version_can_be_chosen(self, server):
        name = "vnncomp2026/soundnessbench"
        assert download(name, "--mirror", server.address, "--vnnlib", "2.0").exit_code == 0
        assert (load_suite(Path("soundnessbench")).root / "vnnlib2").exists()

    def test_what_is_not_there_is_told_with_names_that_are_like_it(self, server):
        result = download("vnncomp2026/soundnesbench", "--mirror", server.address)
        refused(result, "did you mean vnncomp2026/soundnessbench", "`soundbench download --list` lists names")

    def test_a_pointer_to_a_large_file_is_no_network(self, server):
        path = next(each for each in server.files if "2025_bench" in each and each.endswith(".onnx.gz"))
        server.files[path] = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
        result = download("vnncomp2025/soundnessbench", "--mirror", server.address)
        refused(result, "only a pointer to the file is kept there; get it with git lfs, and import")

    def test_a_network_that_is_cut_short_is_left_out_and_fetched_again_when_asked(self, told):
        path = next(each for each in told.files if f"/{COMMIT}/" in each and each.endswith("-armed.onnx.gz"))
        whole, told.files[path] = told.files[path], told.files[path][:-20]
        name = ("vnncomp2025/soundnessbench", "--mirror", told.address)
        result = download(*name, "--out", "one")
        assert "-armed.onnx.gz: damaged gzip data" in result.stdout
        assert result.stdout.endswith("what came damaged is fetched again with --fresh\n")
        told.files[path] = whole
        assert "left out" not in download(*name, "--out", "two", "--fresh").stdout
        assert len(load_suite(Path("two")).instances) == 7

    @pytest.mark.parametrize("bad", [b"Please log in.", b"\xff\xfe", b"../../secret.onnx,vnnlib/a.vnnlib,1\n"])
    def test_a_listing_that_cannot_be_used_is_not_kept(self, server, bad):
        path = "/VNN-COMP/vnncomp2025_benchmarks/main/benchmarks/soundnessbench/instances.csv"
        server.script[path] = [Answer(body=bad)]
        refused(download("vnncomp2025/soundnessbench", "--mirror", server.address, "--out", "one"), "instances.csv")
        assert download("vnncomp2025/soundnessbench", "--mirror", server.address, "--out", "two").exit_code == 0

    def test_a_listing_that_leads_out_is_refused(self, server):
        path = "/VNN-COMP/vnncomp2025_benchmarks/main/benchmarks/soundnessbench/instances.csv"
        server.files[path] = b"../../secret.onnx,vnnlib/a.vnnlib,1\n"
        result = download("vnncomp2025/soundnessbench", "--mirror", server.address)
        refused(result, "the path '../../secret.onnx' leads out of the benchmark")

    def test_a_full_disk_is_told(self, server, monkeypatch):
        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("soundbench.fetch.shutil.copyfile", full)
        result = download("vnncomp2025/soundnessbench", "--mirror", server.address)
        refused(result, "cache: no space is left on the disk; free some, and start again")


class TestArchives:
    @pytest.fixture
    def archive(self, tiny_suite, tmp_path):
        benchmark = write_benchmark(tiny_suite, tmp_path / "source" / "my_bench")
        (benchmark / "model.pt").write_bytes(b"\x80\x04K.")
        with tarfile.open(tmp_path / "my_bench.tar.gz", "w:gz") as packed:
            packed.add(benchmark, "my_bench")
        return tmp_path / "my_bench.tar.gz"

    def test_a_local_one_becomes_a_suite_without_its_pickles(self, archive):
        result = download(archive, "--out", "suite")
        assert result.exit_code == 0, result.output
        assert "left out: my_bench/model.pt: a pickle, which is never loaded" in result.stdout
        assert (load_suite(Path("suite")).name, len(load_suite(Path("suite")).instances)) == ("my_bench", 7)

    def test_one_of_an_address_is_compared_with_its_hash(self, archive):
        with serving(Files({"/x/my_bench.tar.gz": archive.read_bytes()})) as server:
            address = f"{server.address}/x/my_bench.tar.gz"
            refused(download(address, "--sha256", "0" * 64), "its SHA-256 is not 000")
            server.script["/x/my_bench.tar.gz"] = [Answer(cut_after=500)]
            assert download(address, "--out", "suite").exit_code == 0
        assert len(load_suite(Path("suite")).instances) == 7

    @pytest.mark.parametrize("cut", [None, 5000, -6])
    def test_what_cannot_be_read_is_not_kept(self, archive, cut):
        content = archive.read_bytes()
        bad = b"no archive" if cut is None else content[:cut]
        with serving(Files({"/x/my_bench.tar.gz": content})) as server:
            address = f"{server.address}/x/my_bench.tar.gz"
            server.script["/x/my_bench.tar.gz"] = [Answer(body=bad)]
            refused(
                download(address, "--out", "suite"), "get the archive" if cut else "neither a zip nor a tar archive"
            )
            assert download(address, "--out", "suite").exit_code == 0
        assert len(server.asked("/x/my_bench.tar.gz")) == 2

    @pytest.mark.parametrize("answer", [Answer(403), Answer(body=b"no archive"), Answer(body=b"<!-- -->log in")])
    def test_what_cannot_be_fetched_anew_leaves_the_cache_as_it_is(self, archive, answer):
        with serving(Files({"/x/my_bench.tar.gz": archive.read_bytes()})) as server:
            address = f"{server.address}/x/my_bench.tar.gz"
            assert download(address, "--out", "one").exit_code == 0
            server.script["/x/my_bench.tar.gz"] = [answer]
            assert download(address, "--out", "two", "--fresh").exit_code == 2
            assert download(address, "--out", "three").exit_code == 0
            assert len(server.asked("/x/my_bench.tar.gz")) == 2
            assert download(address, "--out", "four", "--fresh").exit_code == 0
        assert len(server.asked("/x/my_bench.tar.gz")) == 3

    def test_a_hash_must_be_one_and_be_met(self, archive):
        refused(download(archive, "--sha256", "abc"), "--sha256: abc: give the 64 hexadecimal digits of an archive")
        refused(download("soundnessbench", "--sha256", "0" * 64), "give the 64 hexadecimal digits of an archive")
        refused(download(archive, "--sha256", "0" * 64), "its SHA-256 is not 000")
        assert download(archive, "--sha256", sha256(archive), "--out", "suite").exit_code == 0

    def test_what_is_no_benchmark_is_refused(self, tmp_path):
        (tmp_path / "a.zip").write_bytes(gzip.compress(b"no archive"))
        refused(download("a.zip"), "a.zip: neither a zip nor a tar archive")
        refused(download("model.pt"), "model.pt: a pickle, which runs its author's code")
        refused(download("https://example.invalid/model.pt?download=1"), "a pickle")
        refused(download("soundnesbench"), "no benchmark of that name, and no file; did you mean soundnessbench")
        (tmp_path / "folder").mkdir()
        refused(download("folder"), "a folder is here already; use: soundbench import folder")

    def test_a_folder_that_is_there_is_left_alone_and_nothing_is_fetched(self, tmp_path):
        (tmp_path / "acasxu_2023").mkdir()
        (tmp_path / "acasxu_2023" / "mine").write_text("")
        with serving(Files({})) as server:
            refused(download("vnncomp2026/acasxu_2023", "--mirror", server.address), "acasxu_2023: already exists")
            assert not server.requests


def test_names_are_listed():
    result = CliRunner().invoke(main, ["download", "--list"])
    names = result.stdout.split()
    assert {
        "soundnessbench",
        "vnncomp2025/soundnessbench",
        "vnncomp2026/soundnessbench",
        "vnncomp2026/acasxu_2023",
    } <= set(names)
    refused(CliRunner().invoke(main, ["download"]), "name what to download, or list what there is")


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("vnncomp2026/acasxu_2023", "acasxu_2023"),
        ("https://x.org/a/bench.tar.gz?x=1", "bench"),
        ("./bench.zip", "bench"),
        ("https://x.org/", "x.org"),
        ("soundnessbench", "soundnessbench"),
    ],
)
def test_suites_are_called_as_what_they_are_made_from(name, short):
    assert short_name(name) == short
    assert re.fullmatch(r"[\w.]+", short)
