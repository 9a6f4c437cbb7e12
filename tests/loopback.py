"""Servers on loopback: one of plain files, with all that can go wrong, and one that speaks the hub's protocol."""

import contextlib
import hashlib
import json
import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = (".parquet", ".onnx")


@dataclass
class Answer:
    """One answer that is given in place of the file: a status, headers, a body, and where it breaks off."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut_after: int | None = None


class Files:
    """What a server has, by path; `script` holds answers that come first, one a request."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.script: dict[str, list[Answer]] = defaultdict(list)
        self.requests: list[tuple[str, str, str | None]] = []
        self.address = ""

    def asked(self, path: str) -> list[str | None]:
        """The ranges of the requests of a path."""
        return [ranged for method, asked, ranged in self.requests if asked == path and method == "GET"]

    def answer(self, path: str, ranged: str | None) -> Answer:
        """What is to be sent."""
        if self.script[path]:
            scripted = self.script[path].pop(0)
            if scripted.body is not None or scripted.status != 200:
                return scripted
            return self._file(path, None, scripted.cut_after)
        return self._file(path, ranged, None)

    def etag(self, path: str) -> str:
        """What tells one content of a path from another."""
        return f'"{hashlib.sha256(self.files.get(path, b"")).hexdigest()[:20]}"'

    def _file(self, path: str, ranged: str | None, cut_after: int | None) -> Answer:
        if path not in self.files:
            return Answer(404, body=b"404: Not Found")
        content = self.files[path]
        headers = {"ETag": self.etag(path), "Content-Type": "application/octet-stream"}
        if ranged is None:
            return Answer(200, headers, content, cut_after)
        first = int(ranged.removeprefix("bytes=").partition("-")[0])
        if first >= len(content):
            return Answer(416, headers, b"")
        headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        return Answer(206, headers, content[first:])


def refs(commits: Mapping[str, str]) -> bytes:
    """What git's servers say of their branches and tags: lines that begin with their lengths."""
    lines = [f"{commit} {name}" for name, commit in commits.items()]
    lines[:1] = [f"{lines[0]}\0symref=HEAD:refs/heads/main agent=git"]
    said = ["# service=git-upload-pack", *lines]
    first, *others = (f"{len(line) + 5:04x}{line}\n" for line in said)
    return f"{first}0000{''.join(others)}0000".encode()


class Hub(Files):
    """A hub with one dataset, at one commit; large files lie elsewhere, and are redirected to."""

    def __init__(self, repository: str, files: Mapping[str, bytes], commit: str = "c" * 40) -> None:
        super().__init__({})
        self.repository, self.content, self.commit = repository, dict(files), commit
        self.altered: dict[str, bytes] = {}

    def answer(self, path: str, ranged: str | None) -> Answer:  # noqa: ARG002 (whole files are sent)
        """The three kinds of requests that a snapshot takes."""
        api, files = f"/api/datasets/{self.repository}", f"/datasets/{self.repository}/resolve/"
        if self.script[path]:
            return self.script[path].pop(0)
        if path.startswith(f"{api}/revision/"):
            if path.rpartition("/")[2] not in ("main", self.commit):
                return Answer(404, {"X-Error-Code": "RevisionNotFound"}, b"{}")
            return self._json({"id": self.repository, "sha": self.commit, "siblings": self._siblings()})
        if path.startswith(f"{api}/tree/"):
            return self._json([self._entry(name) for name in self.content])
        if path.startswith(files):
            return self._resolve(path.removeprefix(files).partition("/")[2])
        if path.startswith("/cdn/"):
            name = path.removeprefix("/cdn/")
            return Answer(200, {"ETag": '"of the CDN"'}, self.altered.get(name, self.content[name]))
        return Answer(404, {"X-Error-Code": "RepoNotFound"}, b"{}")

    def _resolve(self, name: str) -> Answer:
        if name in self.content and name.endswith(LARGE):
            elsewhere, size = self.address.replace("127.0.0.1", "localhost"), str(len(self.content[name]))
            linked = {
                "X-Linked-Etag": f'"{self._sha256(name)}"',
                "X-Linked-Size": size,
                "Location": f"{elsewhere}/cdn/{name}",
            }
            return Answer(302, {"X-Repo-Commit": self.commit, **linked}, b"")
        if name in self.content:
            headers = {"ETag": f'"{self._oid(name)}"', "X-Repo-Commit": self.commit}
            return Answer(200, headers, self.altered.get(name, self.content[name]))
        return Answer(404, {"X-Error-Code": "EntryNotFound"}, b"{}")

    def _siblings(self) -> list[dict[str, str]]:
        return [{"rfilename": name} for name in self.content]

    def _entry(self, name: str) -> dict[str, object]:
        entry: dict[str, object] = {
            "type": "file",
            "path": name,
            "size": len(self.content[name]),
            "oid": self._oid(name),
        }
        if name.endswith(LARGE):
            entry["lfs"] = {"oid": self._sha256(name), "size": len(self.content[name]), "pointerSize": 130}
        return entry

    def _sha256(self, name: str) -> str:
        return hashlib.sha256(self.content[name]).hexdigest()

    def _oid(self, name: str) -> str:
        """Git's hash of a file."""
        content = self.content[name]
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    def _json(self, content: object) -> Answer:
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(content).encode())


# Whatever proxy there is, it is not for loopback.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


@contextlib.contextmanager
def serving(files: Files) -> Iterator[Files]:
    """Serve on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send(with_body=True)

        def do_HEAD(self) -> None:
            self.send(with_body=False)

        def send(self, *, with_body: bool) -> None:
            path, ranged = unquote(urlsplit(self.path).path), self.headers.get("Range")
            if self.headers.get("If-Range", files.etag(path)) != files.etag(path):
                ranged = None
            files.requests.append((self.command, path, ranged))
            answer = files.answer(path, ranged)
            body = answer.body or b""
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(body[: answer.cut_after])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    files.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
