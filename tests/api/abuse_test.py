"""Hostile clients of the HTTP API and of the control socket of a real daemon (TAP).

usage: abuse_test.py EDGESENTRYD [REQUESTS]

After each case the daemon lives, answers right requests, holds no descriptor more than before and
has grown by less than kGrowth. The full size is 10000 requests.
"""

import contextlib
import functools
import json
import random
import resource
import selectors
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path

from api_place import ApiPlace
from daemon_place import wait_for

GROWTH_KIB = 48 * 1024
SEED = 20
CLIENTS = 1000
LORIS = 200


def nasty(random_: random.Random, token: str) -> bytes:
    """One request that is wrong in some way, perhaps with the right token."""
    word = random_.randbytes(random_.randrange(1, 40)).hex().encode()
    key = f"Authorization: Bearer {token}\r\n".encode() * random_.randrange(2)
    head = b"Host: x\r\n" + key
    post = (b"POST /v1/blocks HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\n")
    json_bodies = [b"{", b"[" * 5000, b'{"address":', b'{"address":"203.0.113.1"', b"null", b"[]",
                   b'{"command":"bypass","state":"on"}', b'{"address":1e999}', b"\xff\xfe",
                   b'{"address":"' + b"9" * 3000 + b'"}', word]
    body = random_.choice(json_bodies)
    kinds = [
        random_.randbytes(random_.randrange(1, 4096)),
        b"GET /v1/sta" + word[:random_.randrange(8)],
        b"GET /v1/status HTTP/1.1\r\n" + head[:random_.randrange(len(head))],
        b"GET /v1/status HTTP/1.1\r\n" + head + b"X: " + b"a" * 60_000 + b"\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\n" + head + b"X: y\r\n" * 5000 + b"\r\n",
        word.upper() + b" /v1/status HTTP/1.1\r\n" + head + b"\r\n",
        b"GET /v1/explain/%" + word + b" HTTP/1.1\r\n" + head + b"\r\n",
        b"GET /v1/blocks?limit=" + word + b"&&&=&%00 HTTP/1.1\r\n" + head + b"\r\n",
        b"GET /" + b"../" * 500 + word + b" HTTP/1.1\r\n" + head + b"\r\n",
        post + b"Content-Length: %d\r\n\r\n" % len(body) + body,
        post + b"Content-Length: 99999999999999999999\r\n\r\n" + body,
        post + b"Content-Length: -5\r\n\r\n" + body,
        post + b"Transfer-Encoding: chunked\r\n\r\n" + word + b"\r\n" + body,
        post.replace(b"json", word) + b"Content-Length: 2\r\n\r\n{}",
        b"GET /v1/status HTTP/9.9\r\n" + head + b"\r\n",
        b"\r\n" * 200 + b"GET\x00/ HTTP/1.1\r\n\r\n",
    ]
    return random_.choice(kinds)


def throw(kind: int, place: str | tuple[str, int], data: bytes) -> None:
    """Send it, perhaps read what comes, hang up."""
    with socket.socket(kind) as client, contextlib.suppress(OSError):
        client.settimeout(0.05)
        client.connect(place)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        client.recv(4096)


def survives(place: ApiPlace, case: functools.partial[None]) -> None:
    """The daemon after a case is as it was before."""
    assert place.request("GET", "/v1/status")[0] == 200
    time.sleep(0.5)
    memory, files = place.resident_kib(), place.open_files()
    case()
    assert place.is_alive(), place.errors()
    wait_for("the descriptors", lambda: place.open_files() <= files + 2, 30)
    grown = place.resident_kib() - memory
    assert grown < GROWTH_KIB, f"grew by {grown} KiB"
    status = place.request("GET", "/v1/status")[1]
    assert status["bypass"] is False and status["blocks"]["active"] == 0, status
    reply = place.request("POST", "/v1/blocks", {"address": "203.0.113.77"})
    assert reply[0] == 200 and reply[1]["durable"], reply
    assert place.request("DELETE", "/v1/blocks/203.0.113.77")[0] == 200
    assert place.ask({"command": "status"})["ok"]
    print(f"# grew by {grown} KiB, {place.open_files() - files} descriptors more")


def malformed_requests(place: ApiPlace, count: int) -> None:
    """At the API."""
    random_, token = random.Random(SEED), place.token()
    for _ in range(count):
        throw(socket.AF_INET, ("127.0.0.1", place.api_port), nasty(random_, token))


def malformed_lines(place: ApiPlace, count: int) -> None:
    """At the control socket."""
    random_ = random.Random(SEED)
    wrong = [b"{", b"[" * 9000, b'{"command":', b'{"command": "block"}\n', b"null\n", b"\n" * 500,
             b'{"command": "block-many", "items": [[[[]]]]}\n', b"x" * 70_000,
             b'{"command": "blocked", "cursor": -1, "count": 1e300}\n', b"\xff" * 100 + b"\n",
             b'{"command": "bypass", "state": {}}\n', b'{"command": 7}\n']
    for _ in range(count):
        data = random_.choice([*wrong, random_.randbytes(random_.randrange(1, 3000))])
        throw(socket.AF_UNIX, str(place.folder / "control.sock"), data)


def dripping_clients(place: ApiPlace, _count: int) -> None:
    """Two hundred that send a byte now and then: each is cut off, others are answered."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", place.api_port)))
                   for _ in range(LORIS)]
        for client in clients:
            client.setblocking(False)
            client.send(b"GET /v1/status HTTP/1.1\r\n")
        ends = time.monotonic() + 8
        while time.monotonic() < ends:
            for client in clients:
                with contextlib.suppress(OSError):
                    client.send(b"X")
            assert place.request("GET", "/v1/top")[0] == 200
            time.sleep(0.2)
        closed = 0
        for client in clients:
            try:
                closed += client.recv(4096) == b"" or True
            except BlockingIOError:
                continue
            except OSError:
                closed += 1
        assert closed == LORIS, f"{closed} of {LORIS} were cut off"
    assert place.metric("edgesentry_api_connections_total", 'result="cut_off"') >= LORIS / 2


def many_clients(place: ApiPlace, _count: int) -> None:
    """A thousand at the same time, all connected before the first asks; each gets its answer."""
    request = (f"GET /v1/top HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {place.token()}\r\n"
               "\r\n").encode()
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", place.api_port)))
                   for _ in range(CLIENTS)]
        for client in clients:
            client.sendall(request)
            selector.register(client, selectors.EVENT_READ)
        answered: dict[int, int] = {}
        ends = time.monotonic() + 60
        while len(answered) < CLIENTS and time.monotonic() < ends:
            for key, _ in selector.select(1):
                assert isinstance(key.fileobj, socket.socket)
                with contextlib.suppress(OSError):
                    said = key.fileobj.recv(65536)
                    answered[key.fd] = int(said.split()[1]) if said else 0
                selector.unregister(key.fileobj)
        codes = list(answered.values())
        told = {code: codes.count(code) for code in set(codes)}
        print(f"# {json.dumps(told)}")
        # The queue before the control thread holds 256; whom it refuses is told to come again.
        assert len(codes) == CLIENTS and set(told) <= {200, 503} and told[200] >= 250, told


def wrong_tokens(place: ApiPlace, count: int) -> None:
    """Guesses: none is let in, and soon most of them are told to wait."""
    random_ = random.Random(SEED)
    seen: dict[int, int] = {}
    client = place.connect()
    for _ in range(count):
        try:
            client.request("GET", "/v1/status", headers={
                "Authorization": f"Bearer {random_.randbytes(32).hex()}"})
            reply = client.getresponse()
            reply.read()
        except (OSError, ValueError):
            client.close()
            client = place.connect()
            continue
        seen[reply.status] = seen.get(reply.status, 0) + 1
    client.close()
    print(f"# {json.dumps(seen)}")
    assert set(seen) <= {401, 429} and seen.get(429, 0) > seen.get(401, 0), seen


CASES = (malformed_requests, malformed_lines, dripping_clients, many_clients, wrong_tokens)


def main() -> int:
    """One daemon for all cases."""
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    print(f"1..{len(CASES)}")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="edgesentry-abuse-") as folder:
        place = ApiPlace(program, Path(folder))
        try:
            place.start_api('connections_max = 2048\nconnections_per_client = 2048\n'
                            'requests_per_second = 100000\ntimeout = "3s"')
            for number, case in enumerate(CASES, 1):
                verdict = "ok"
                try:
                    survives(place, functools.partial(case, place, count))
                except Exception:  # every failure of a case is its verdict
                    verdict = "not ok"
                    failed += 1
                    print("# " + traceback.format_exc().replace("\n", "\n# "))
                print(f"{verdict} {number} - {case.__name__.replace('_', ' ')}", flush=True)
            place.stop()
        finally:
            place.clean_up()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
