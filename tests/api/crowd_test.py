"""More clients, and slower ones, than the HTTP API of a real daemon has room for (TAP).

usage: crowd_test.py EDGESENTRYD [CASE...]
"""

import contextlib
import http.client
import json
import selectors
import socket
import sys
import time
from typing import Any

from api_place import ApiPlace, run_cases
from daemon_place import wait_for

WAITING_MAX = 256  # requests that wait for the control thread, beside the few under way
COMMAND_THREADS = 4
SURPLUS = 40
ROUND = 200  # blocks at a time
EVENTS_MAX = 200_000


def ask_for_status(place: ApiPlace) -> bytes:
    """A request as bytes, after which the server hangs up."""
    return (f"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Authorization: Bearer {place.token()}\r\n\r\n").encode()


def open_clients(place: ApiPlace, stack: contextlib.ExitStack, count: int) -> list[socket.socket]:
    """Connections that say nothing yet."""
    return [stack.enter_context(socket.create_connection((place.host, place.api_port), 20))
            for _ in range(count)]


def is_refused(place: ApiPlace) -> bool:
    """Whether one more client is hung up on without an answer."""
    with socket.create_connection((place.host, place.api_port), 20) as client:
        try:
            client.sendall(ask_for_status(place))
            return client.recv(4096) == b""
        except ConnectionError:
            return True


def show_token(place: ApiPlace, client: socket.socket) -> None:
    """A whole request, after which the connection stays."""
    client.sendall(ask_for_status(place).replace(b"Connection: close\r\n", b""))
    reply = http.client.HTTPResponse(client, method="GET")
    reply.begin()
    assert reply.status == 200 and reply.read()


def hangs_up_above_the_limit_and_takes_others_later(place: ApiPlace) -> None:
    """Who has shown the token is served on; who comes above the limit is not, until one leaves."""
    place.start_api('connections_max = 8\nconnections_per_client = 8\ntimeout = "60s"')
    with contextlib.ExitStack() as stack:
        clients = open_clients(place, stack, 8)
        for client in clients:
            show_token(place, client)
        wait_for("eight connections",
                 lambda: place.metric("edgesentry_api_connections") == 8, 20)
        for _ in range(20):
            assert is_refused(place)
        refused = place.metric("edgesentry_api_connections_total", 'result="refused"')
        assert refused == 20, refused
        last = clients.pop()
        last.sendall(ask_for_status(place))
        assert last.makefile("rb").readline().split()[1] == b"200"
        last.close()
        wait_for("a place", lambda: not is_refused(place), 20)
    wait_for("all places", lambda: not is_refused(place), 20)
    place.stop()


def lets_nobody_without_a_token_shut_out_who_has_it(place: ApiPlace) -> None:
    """Silent clients of eight addresses, this one's among them, in every place there is."""
    place.start_api('timeout = "60s"\nrequests_per_second = 100000')
    with contextlib.ExitStack() as stack:
        friend = open_clients(place, stack, 1)[0]
        show_token(place, friend)
        for _ in range(3):
            for number in range(512):
                silent = stack.enter_context(socket.socket())
                silent.bind((f"127.0.0.{1 + number % 8}", 0))
                silent.connect((place.host, place.api_port))
            for _ in range(10):
                assert place.request("GET", "/v1/status")[0] == 200
            show_token(place, friend)
        assert place.metric("edgesentry_api_connections_total", 'result="displaced"') > 1000
        wait_for("the limit", lambda: place.metric("edgesentry_api_connections") <= 256, 20)
    place.stop()


def tells_who_finds_no_place_in_the_queue_to_come_again(place: ApiPlace) -> None:
    """While control stands still 256 requests wait; others get 503 at once, those an answer."""
    count = WAITING_MAX + COMMAND_THREADS + SURPLUS
    place.start_api(f"connections_max = {count + 8}\nconnections_per_client = {count + 8}\n"
                    "requests_per_second = 100000\ntimeout = \"60s\"", "--faults")
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        clients = open_clients(place, stack, count)
        place.ask({"command": "fault", "action": "inject", "name": "control_stalled"})
        for client in clients:
            client.sendall(ask_for_status(place))
            selector.register(client, selectors.EVENT_READ)
        heads: list[str] = []

        def has(wanted: int) -> bool:
            for key, _ in selector.select(0.1):
                assert isinstance(key.fileobj, socket.socket)
                heads.append(key.fileobj.recv(65536).decode())
                selector.unregister(key.fileobj)
            return len(heads) >= wanted

        wait_for("the refusals", lambda: has(SURPLUS), 20)
        for head in heads:
            assert head.startswith("HTTP/1.1 503 ") and "\r\nRetry-After: 1\r\n" in head, head
        assert len(heads) == SURPLUS, len(heads)
        assert place.metric("edgesentry_api_refusals_total", 'reason="busy"') == SURPLUS
        place.ask({"command": "fault", "action": "clear", "name": "control_stalled"})
        wait_for("the answers", lambda: has(count), 60)
        # 504: the machine was so slow that the first have waited for too long.
        assert {head.split()[1] for head in heads[SURPLUS:]} <= {"200", "504"}
    place.stop()


def churn(place: ApiPlace) -> None:
    """Blocks, and their end: twice ROUND events."""
    many = [f"203.0.113.{host}" for host in range(1, ROUND + 1)]
    for way in ("add", "remove"):
        status, found, _ = place.request("POST", f"/v1/blocks/bulk/{way}", many)
        assert status == 200, found


def follow(place: ApiPlace, room: int) -> tuple[socket.socket, http.client.HTTPResponse]:
    """A client of the live events whose kernel keeps that much for it."""
    client = socket.socket(socket.AF_INET)
    client.settimeout(20)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    client.connect((place.host, place.api_port))
    client.sendall(b"GET /v1/events/stream HTTP/1.1\r\nHost: x\r\n"
                   b"Authorization: Bearer %s\r\n\r\n" % place.token().encode())
    reply = http.client.HTTPResponse(client)
    reply.begin()
    assert reply.status == 200, reply.status
    return client, reply


def read_events(reply: http.client.HTTPResponse, count: int) -> list[dict[str, Any]]:
    """The next events."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        line = reply.readline()
        assert line, "the stream has ended"
        if line.startswith(b"data: "):
            found.append(json.loads(line[6:]))
    return found


def cuts_a_reader_that_is_too_slow_and_serves_the_others(place: ApiPlace) -> None:
    """Who never reads is given up; who reads gets every event in order, requests their answers."""
    place.start_api("requests_per_second = 100000")
    slow, _ = follow(place, 4096)
    _, quick = follow(place, 1 << 20)
    seen: list[int] = []
    while place.metric("edgesentry_api_streams_dropped_total") == 0:
        assert len(seen) < EVENTS_MAX, "it is never given up"
        churn(place)
        seen += [event["number"] for event in read_events(quick, 2 * ROUND)]
    assert seen == list(range(seen[0], seen[0] + len(seen)))
    print(f"# given up after {len(seen)} events, {place.resident_kib()} KiB")
    assert place.metric("edgesentry_api_streams_dropped_total") == 1
    with contextlib.suppress(ConnectionError):  # one that is not cut runs into its time limit
        while slow.recv(1 << 20):
            continue
    wait_for("one stream", lambda: place.metric("edgesentry_api_streams") == 1, 20)
    churn(place)
    assert len(read_events(quick, 2 * ROUND)) == 2 * ROUND
    quick.close()
    place.stop()


def listens_on_ipv6(place: ApiPlace) -> None:
    """On [::1] only: commands, metrics, live events; the same port of IPv4 is not taken."""
    place.host = "::1"
    place.start_api()
    assert place.request("GET", "/healthz", token="")[0] == 200
    assert place.request("GET", "/v1/status", token="")[0] == 401
    status, found, _ = place.request("POST", "/v1/blocks", {"address": "2001:db8::/64"})
    assert status == 200 and found["durable"] is True, found
    assert place.request("DELETE", "/v1/blocks/2001:db8::%2F64")[0] == 200
    assert "edgesentry_up 1" in place.request("GET", "/metrics")[1]
    with socket.socket() as other:
        other.bind(("127.0.0.1", place.api_port))
    place.stop()


CASES = (hangs_up_above_the_limit_and_takes_others_later,
         lets_nobody_without_a_token_shut_out_who_has_it,
         tells_who_finds_no_place_in_the_queue_to_come_again,
         cuts_a_reader_that_is_too_slow_and_serves_the_others, listens_on_ipv6)


if __name__ == "__main__":
    program, *names = sys.argv[1:]
    sys.exit(run_cases(program, [case for case in CASES if not names or case.__name__ in names]))
