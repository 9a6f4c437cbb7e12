"""Files are fetched once, whole, and as they are: whatever a server does in between."""

import hashlib

import pytest
from loopback import Answer, Files, serving

from soundbench.errors import InputError
from soundbench.fetch import Cache, NoSuchFileThere

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server():
    with serving(Files({"/a.bin": CONTENT})) as files:
        yield files


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache", retries=2)


def left(cache):
    return sorted(path.name for path in cache.folder.rglob("*"))


def test_a_file_comes_once(server, cache):
    for _ in range(2):
        path = cache.fetch(f"{server.address}/a.bin", "folder/a.bin", SHA256)
        assert path == cache.folder / "folder" / "a.bin"
        assert path.read_bytes() == CONTENT
    assert server.asked("/a.bin") == [None]
    assert left(cache) == ["a.bin", "folder"]


def test_without_a_connection_the_cache_will_do(server, cache):
    address = server.address
    cache.fetch(f"{address}/a.bin", "a.bin")
    with serving(Files({})) as gone:
        pass
    assert cache.fetch(f"{gone.address}/a.bin", "a.bin").read_bytes() == CONTENT
    with pytest.raises(
        InputError, match=r"b.bin: cannot be fetched \(ConnectionError\), and is not in the cache; check"
    ):
        cache.fetch(f"{gone.address}/b.bin", "b.bin")


def test_what_breaks_off_is_gone_on_with(server, cache):
    server.script["/a.bin"] = [Answer(cut_after=100_000)]
    assert cache.fetch(f"{server.address}/a.bin", "a.bin", SHA256).read_bytes() == CONTENT
    first, second = server.asked("/a.bin")
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= 100_000
    assert left(cache) == ["a.bin"]


def test_what_was_stopped_is_gone_on_with_by_the_next_start(server, cache):
    server.script["/a.bin"] = [Answer(cut_after=100_000)]
    with pytest.raises(InputError, match="cannot be fetched"):
        Cache(cache.folder, retries=0).fetch(f"{server.address}/a.bin", "a.bin")
    assert cache.fetch(f"{server.address}/a.bin", "a.bin").read_bytes() == CONTENT
    assert server.asked("/a.bin")[-1] is not None


def test_what_has_changed_meanwhile_is_not_put_together(server, cache):
    server.script["/a.bin"] = [Answer(headers={"ETag": '"old"'}, body=b"x" * 1000, cut_after=900)]
    assert cache.fetch(f"{server.address}/a.bin", "a.bin", SHA256).read_bytes() == CONTENT
    assert server.asked("/a.bin") == [None, None]


def test_a_part_that_is_not_there_begins_again(server, cache):
    server.script["/a.bin"] = [Answer(headers={"ETag": '"x"'}, body=CONTENT + b"more", cut_after=len(CONTENT) + 1)]
    assert cache.fetch(f"{server.address}/a.bin", "a.bin", SHA256).read_bytes() == CONTENT


HALF = len(CONTENT) // 2
LAST = len(CONTENT) - 1


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (f"bytes 0-{LAST}/{len(CONTENT)}", CONTENT),
        (f"bytes {HALF + 1}-{LAST}/{len(CONTENT)}", CONTENT[HALF + 1 :]),
        (f"bytes {HALF}-{LAST}/*", CONTENT[HALF:]),
        (f"bytes {HALF}-{LAST - 9}/{len(CONTENT)}", CONTENT[HALF:-9]),
        (f"bytes {HALF}-{LAST}/{len(CONTENT)}", CONTENT[HALF:-9]),
        (f"bytes {HALF}-{LAST}/{len(CONTENT)}", CONTENT[HALF:] + b"more"),
        ("half of it", CONTENT[HALF:]),
        (None, CONTENT[HALF:]),
    ],
)
def test_a_part_that_was_not_asked_for_is_not_put_together(server, cache, said, body):
    headers = {} if said is None else {"Content-Range": said}
    server.script["/a.bin"] = [Answer(206, headers, body)]
    cache.folder.mkdir()
    for path, content in zip(kept_parts(server, cache), (CONTENT[:HALF], server.etag("/a.bin").encode()), strict=True):
        path.write_bytes(content)
    assert cache.fetch(f"{server.address}/a.bin", "a.bin").read_bytes() == CONTENT
    assert server.asked("/a.bin")[0] == f"bytes={HALF}-"
    assert left(cache) == ["a.bin"]


def test_a_part_is_no_answer_where_none_was_asked_for(server, cache):
    server.script["/a.bin"] = [Answer(206, {"Content-Range": f"bytes 0-{LAST}/{len(CONTENT)}"}, CONTENT)]
    cache.folder.mkdir()
    kept_parts(server, cache)[0].write_bytes(b"of another one")
    assert cache.fetch(f"{server.address}/a.bin", "a.bin").read_bytes() == CONTENT


def kept_parts(server, cache):
    """Where what has come of a file is kept, and the tag of what it is of."""
    key = hashlib.sha256(f"{server.address}/a.bin".encode()).hexdigest()[:16]
    return [cache.folder / f".{key}.{kind}" for kind in ("partial", "etag")]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_waited_for(server, cache, monkeypatch, status):
    waited = []
    monkeypatch.setattr("time.sleep", waited.append)
    server.script["/a.bin"] = [Answer(status, {"Retry-After": "7"}), Answer(status, {"Retry-After": "soon"})]
    assert cache.fetch(f"{server.address}/a.bin", "a.bin").read_bytes() == CONTENT
    assert 7.0 in waited
    assert len(server.asked("/a.bin")) == 3


def test_a_server_that_stays_busy_is_told(server, cache, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    server.script["/a.bin"] = [Answer(503, {"Retry-After": "0"})] * 3
    with pytest.raises(InputError, match=r"the server answers 503 .*; try again later, or name a mirror"):
        cache.fetch(f"{server.address}/a.bin", "a.bin")


def test_redirects_are_followed(server, cache):
    server.script["/old"] = [Answer(302, {"Location": "/a.bin"})]
    assert cache.fetch(f"{server.address}/old", "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_not_asked_for_again(server, cache, status):
    server.script["/b.bin"] = [Answer(status)]
    with pytest.raises(NoSuchFileThere, match=r"b\.bin: there is no such file; check the name"):
        cache.fetch(f"{server.address}/b.bin", "b.bin")
    assert len(server.asked("/b.bin")) == 1


def test_what_is_forbidden_is_not_asked_for_again(server, cache):
    server.script["/a.bin"] = [Answer(403)]
    with pytest.raises(InputError, match="the server answers 403 Forbidden; check the address"):
        cache.fetch(f"{server.address}/a.bin", "a.bin")
    assert len(server.asked("/a.bin")) == 1


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><title>Log in</title>",
        b"\n <HTML><body>sorry",
        b"\xef\xbb\xbf<html>",
        b"<!-- --><html>",
        b" " * 1000 + b"<html>",
        b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
        b'{"message": "Bad credentials"}',
    ],
)
def test_a_web_page_is_not_the_file(server, cache, page):
    server.script["/a.bin"] = [Answer(200, {"Content-Type": "text/html"}, page)]
    with pytest.raises(
        InputError, match="a web page or a message came in place of the file, perhaps of a log-in; check the address"
    ):
        cache.fetch(f"{server.address}/a.bin", "a.bin")
    assert not (cache.folder / "a.bin").exists()
    assert cache.fetch(f"{server.address}/a.bin", "a.bin").read_bytes() == CONTENT


def test_another_hash_is_refused_and_nothing_is_kept(server, cache, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(InputError, match=f"its SHA-256 is not {'0' * 64}; it was altered or is another version"):
        cache.fetch(f"{server.address}/a.bin", "a.bin", "0" * 64)
    assert left(cache) == []


def test_what_is_fetched_anew_replaces_the_old_when_all_of_it_has_come(server, cache):
    for name in ("a.bin", "b.bin"):
        cache.fetch(f"{server.address}/a.bin", name)
    server.files["/a.bin"] = b"new"
    with cache.anew() as beside:
        assert beside.fetch(f"{server.address}/a.bin", "folder/a.bin").read_bytes() == b"new"
        assert left(cache) == ["a.bin", "b.bin"]
    assert left(cache) == ["a.bin", "folder"]
    assert [path.name for path in cache.folder.parent.iterdir()] == ["cache"]


@pytest.mark.parametrize("error", [InputError, KeyboardInterrupt])
def test_what_cannot_be_fetched_anew_leaves_the_old(server, cache, error):
    cache.fetch(f"{server.address}/a.bin", "a.bin")
    with pytest.raises(error):
        break_off_anew(f"{server.address}/a.bin", cache, error)
    assert left(cache) == ["a.bin"]
    assert [path.name for path in cache.folder.parent.iterdir()] == ["cache"]


def break_off_anew(url, cache, error):
    with cache.anew() as beside:
        beside.fetch(url, "b.bin")
        raise error
