"""The name of a branch or tag means what the server says now; without a connection, what it said last."""

import os

import pytest
from loopback import Answer, Files, refs, serving

from soundbench.errors import InputError
from soundbench.revision import commit_of

REPOSITORY, PATH = "VNN-COMP/some_benchmarks", "/VNN-COMP/some_benchmarks.git/info/refs"
OLD, NEW, TAG, TAGGED = "a" * 40, "0" * 20 + "b" * 20, "c" * 40, "d" * 40
COMMITS = {
    "HEAD": OLD,
    "refs/heads/main": OLD,
    "refs/heads/of/several/words": NEW,
    "refs/pull/1/head": TAG,
    "refs/tags/v1": TAG,
    "refs/tags/v1^{}": TAGGED,
}


@pytest.fixture
def server():
    with serving(Files({PATH: refs(COMMITS)})) as files:
        yield files


@pytest.mark.parametrize(("name", "commit"), [("main", OLD), ("HEAD", OLD), ("of/several/words", NEW), ("v1", TAGGED)])
def test_a_name_means_the_commit_that_the_server_tells(server, tmp_path, name, commit):
    assert commit_of(server.address, REPOSITORY, name, tmp_path).commit == commit
    server.files[PATH] = b"".join(f"{value}\t{key}\n".encode() for key, value in COMMITS.items())
    assert commit_of(server.address, REPOSITORY, name, tmp_path).commit == commit


def test_a_name_that_moves_means_the_new_commit(server, tmp_path):
    commit_of(server.address, REPOSITORY, "main", tmp_path)
    server.files[PATH] = refs(COMMITS | {"refs/heads/main": NEW})
    assert commit_of(server.address, REPOSITORY, "main", tmp_path).commit == NEW


def test_without_a_connection_the_last_answer_counts_and_its_day_is_told(server, tmp_path):
    with serving(Files({})) as gone:
        pass
    assert commit_of(gone.address, REPOSITORY, "main", tmp_path).commit is None
    commit_of(server.address, REPOSITORY, "main", tmp_path)
    os.utime(tmp_path / "main", (0, 0))
    meant = commit_of(gone.address, REPOSITORY, "main", tmp_path)
    assert (meant.commit, meant.words) == (OLD, f"no connection: main as it was on 1970-01-01, commit {OLD}")
    (tmp_path / "main").write_text("")
    assert commit_of(gone.address, REPOSITORY, "main", tmp_path).commit is None


def test_a_commit_is_not_asked_for(tmp_path):
    assert commit_of("http://127.0.0.1:1", REPOSITORY, NEW, tmp_path).commit == NEW


@pytest.mark.parametrize("name", ["none", "refs/pull/2/head", OLD[:39], ""])
def test_a_name_that_is_not_there_is_told(server, tmp_path, name):
    with pytest.raises(InputError, match=f"--revision {name}: {REPOSITORY} has no such branch or tag; a commit has 40"):
        commit_of(server.address, REPOSITORY, name, tmp_path)


@pytest.mark.parametrize("answer", [Answer(404), Answer(403), Answer(body=b"<html>"), Answer(body=b"nothing of git")])
def test_a_server_that_does_not_tell_is_no_error(server, tmp_path, answer):
    server.script[PATH] = [answer]
    meant = commit_of(server.address, REPOSITORY, "main", tmp_path)
    assert (meant.commit, meant.words) == (None, f"main; {server.address} does not tell which commit that is")
