"""A daemon with its HTTP API, what a client of it needs, and what must not grow meanwhile."""

import http.client
import json
import os
import ssl
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "eal"))

from daemon_place import Place, free_port


class ApiPlace(Place):
    """A daemon over net_null with the API on loopback."""

    def __init__(self, program: str, folder: Path) -> None:
        """Nothing is started yet."""
        super().__init__(program, folder)
        self.api_port = free_port()
        self.host = "127.0.0.1"
        self.tls: ssl.SSLContext | None = None

    def start_api(self, more: str = "", *words: str) -> None:
        """Start with these further keys of [api] and words on the command line."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.start(self.write_config(
            "net_null0", "net_null1",
            f'[api]\nlisten = "{host}:{self.api_port}"\n'
            f'token_file = "{self.folder}/api.token"\n'
            f'read_token_file = "{self.folder}/look.token"\n{more}\n'), *words)

    def token(self, name: str = "api.token") -> str:
        """The token that the daemon made."""
        return (self.folder / name).read_text(encoding="utf-8").strip()

    def connect(self) -> http.client.HTTPConnection:
        """A client of this API."""
        if self.tls is not None:
            return http.client.HTTPSConnection(self.host, self.api_port, timeout=20,
                                               context=self.tls)
        return http.client.HTTPConnection(self.host, self.api_port, timeout=20)

    def request(self, method: str, path: str, body: Any = None, *, token: str | None = None,
                headers: dict[str, str] | None = None) -> tuple[int, Any, dict[str, str]]:
        """Status, body (JSON where it is), headers. token "": none at all."""
        sent = dict(headers or {})
        if token != "":
            sent.setdefault("Authorization", f"Bearer {token or self.token()}")
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        client = self.connect()
        try:
            client.request(method, path, data, sent)
            reply = client.getresponse()
            text = reply.read()
            kind = reply.headers.get("Content-Type", "")
            found = json.loads(text) if "json" in kind else text.decode()
            return reply.status, found, dict(reply.headers)
        finally:
            client.close()

    def resident_kib(self) -> int:
        """Memory of the daemon."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmRSS:")[1].split()[0])

    def open_files(self) -> int:
        """File descriptors of the daemon."""
        assert self.process is not None
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def run_cases(program: str, cases: Sequence[Callable[[ApiPlace], None]]) -> int:
    """Each with a directory of its own; TAP."""
    print(f"1..{len(cases)}")
    failed = 0
    for number, case in enumerate(cases, 1):
        with tempfile.TemporaryDirectory(prefix="edgesentry-api-") as folder:
            place = ApiPlace(program, Path(folder))
            verdict = "ok"
            try:
                case(place)
            except Exception:  # every failure of a case is its verdict
                verdict = "not ok"
                failed += 1
                print("# " + traceback.format_exc().replace("\n", "\n# "))
            finally:
                place.clean_up()
        print(f"{verdict} {number} - {case.__name__.replace('_', ' ')}", flush=True)
    return 1 if failed else 0
