"""Asks a real daemon what its own /openapi.json says that it answers (TAP).

usage: api_test.py EDGESENTRYD [CASE...]
"""

import contextlib
import http.client
import json
import socket
import ssl
import stat
import subprocess
import sys
import time
from typing import Any

from api_place import ApiPlace, run_cases

BODIES: dict[tuple[str, str], Any] = {
    ("post", "/v1/blocks"): {"address": "203.0.113.7", "for": "10m", "reason": "ticket 7"},
    ("post", "/v1/blocks/bulk/add"): ["203.0.113.8", {"address": "203.0.113.9", "for": "1h"}],
    ("post", "/v1/blocks/bulk/remove"): ["203.0.113.8", "203.0.113.9"],
    ("post", "/v1/allow"): {"address": "198.51.100.0/24"},
    ("put", "/v1/bypass"): {"state": "off"},
}
ARGUMENTS = {"/v1/blocks/{address}": "203.0.113.7", "/v1/allow/{network}": "198.51.100.0%2F24",
             "/v1/explain/{address}": "2001:db8::1"}
ORDER = {"post": 0, "put": 1, "get": 2, "delete": 3}
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "boolean": bool, "object": dict, "array": list}


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and what is said of it; what makes things first, what removes them last."""
    rows = [(method, path, what) for path, methods in document["paths"].items()
            for method, what in methods.items()]
    return sorted(rows, key=lambda row: (ORDER[row[0]], row[1]))


def check_problem(found: Any, status: int, headers: dict[str, str]) -> None:
    """An error is a problem document of RFC 9457."""
    assert headers["Content-Type"] == "application/problem+json", headers
    assert found["status"] == status and found["title"] and found["detail"], found


def answers_as_its_document_says(place: ApiPlace) -> None:
    """Every path and method: the good status with its fields; wrong ones only documented."""
    place.start_api("requests_per_second = 1000")
    status, document, _ = place.request("GET", "/openapi.json")
    assert status == 200 and document["openapi"].startswith("3."), document
    asked = 0
    for method, path, what in operations(document):
        if path == "/v1/events/stream":
            continue
        target = path.split("{")[0] + ARGUMENTS[path] if "{" in path else path
        body = BODIES.get((method, path))
        assert ("requestBody" in what) == (body is not None), (method, path)
        status, found, headers = place.request(method.upper(), target, body)
        assert status == 200, (method, path, found)
        kinds = what["responses"]["200"]["content"]
        assert headers["Content-Type"].split(";")[0] in kinds, headers
        schema = next(iter(kinds.values()))["schema"]
        for name in schema.get("required", []):
            wanted = TYPES[schema["properties"][name]["type"]]
            assert isinstance(found[name], wanted), (method, path, name, found)
        asked += 1
        if method != "get":
            assert place.request(method.upper(), target, body,
                                 token=place.token("look.token"))[0] == 403
        for wrong in (place.request(method.upper(), target, body, token=""),
                      place.request(method.upper(), target + "?no=1", body),
                      place.request(method.upper(), target, b"{" if body else b"x"),
                      place.request(method.upper(), target + "%zz", body)):
            # 404: the last segment of a path without a variable is another then.
            if wrong[0] != 200:
                assert str(wrong[0]) in {*what["responses"], "404"}, (method, path, wrong)
                check_problem(wrong[1], wrong[0], wrong[2])
    assert asked >= 18, asked
    place.stop()


def answers_nothing_that_is_not_documented(place: ApiPlace) -> None:
    """Other methods get 405 with Allow, other paths 404, and strangers are told neither."""
    place.start_api("requests_per_second = 1000")
    document = place.request("GET", "/openapi.json")[1]
    for path, methods in document["paths"].items():
        target = path.split("{")[0] + ARGUMENTS[path] if "{" in path else path
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            if method.lower() in methods:
                continue
            status, found, headers = place.request(method, target)
            assert status in (405, 404), (method, path, found)
            check_problem(found, status, headers)
            if status == 405:
                assert set(headers["Allow"].lower().split(", ")) == set(methods), headers
        for other in (target + "/", target + "/more", target.upper(), "/" + target):
            if "{" not in path or other != target.upper():
                assert place.request("GET", other)[0] in (404, 405, 400), other
    for target in ("/", "/v1", "/v1/blocks/bulk", "/v2/status", "/nothing"):
        assert place.request("GET", target, token="")[0] == 401, target
    place.stop()


def limits_wrong_tokens_but_not_the_right_one(place: ApiPlace) -> None:
    """401, then 429 with Retry-After, while the right token is answered all the time."""
    place.start_api("requests_per_second = 2000")
    seen = []
    for number in range(60):
        status, found, headers = place.request("GET", "/v1/status", token=f"{number:064x}")
        check_problem(found, status, headers)
        seen.append(status)
        assert ("WWW-Authenticate" if status == 401 else "Retry-After") in headers
        assert place.request("GET", "/v1/status")[0] == 200
    assert seen[0] == 401 and seen[-1] == 429 and set(seen) == {401, 429}, seen
    assert place.metric("edgesentry_api_refusals_total", 'reason="token"') == 60
    place.stop()


def limits_what_one_client_asks(place: ApiPlace) -> None:
    """More than twice the rate at once is refused; a body that is too long too."""
    place.start_api("requests_per_second = 5\nbody_max = 1024")
    seen = [place.request("GET", "/v1/top")[0] for _ in range(60)]
    assert seen[:10] == [200] * 10 and 429 in seen, seen
    place.stop()
    place.start_api("requests_per_second = 1000\nbody_max = 1024")
    long = b'{"address": "203.0.113.7", "reason": "' + b"x" * 2000 + b'"}'
    assert place.request("POST", "/v1/blocks", long)[0] == 413
    text = {"Content-Type": "text/plain"}
    assert place.request("POST", "/v1/blocks", b"{}", headers=text)[0] == 415
    place.stop()


def lets_a_writer_find_the_refusal_of_its_body(place: ApiPlace) -> None:
    """Whole or in chunks, some MiB beyond the limit, written to the end before anything is read."""
    place.start_api("requests_per_second = 1000\nbody_max = 1024")
    head = (f"POST /v1/blocks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {place.token()}\r\n"
            "Content-Type: application/json\r\n")
    piece, count = b"x" * 65536, 256
    for path, status in (("/v1/blocks", 413), ("/v1/nothing", 404)):
        target = head.replace("/v1/blocks", path)
        with socket.create_connection(("127.0.0.1", place.api_port), timeout=20) as client:
            client.sendall(f"{target}Content-Length: {len(piece) * count}\r\n\r\n".encode())
            for _ in range(count):
                client.sendall(piece)
            reply = http.client.HTTPResponse(client)
            reply.begin()
            assert reply.status == status and json.loads(reply.read())["status"] == status
    chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    with socket.create_connection(("127.0.0.1", place.api_port), timeout=20) as client:
        client.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(count):
            client.sendall(chunk)
        client.sendall(b"0\r\n\r\n")
        reply = http.client.HTTPResponse(client)
        reply.begin()
        assert reply.status == 413, reply.status
    with socket.create_connection(("127.0.0.1", place.api_port), timeout=20) as client:
        client.sendall(f"{head}Content-Length: 99999\r\nExpect: 100-continue\r\n\r\n".encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 413 ")
    assert place.request("GET", "/v1/status")[0] == 200
    place.stop()


def takes_one_authorization(place: ApiPlace) -> None:
    """Two are a fault, whichever is right; who guesses so learns nothing."""
    place.start_api("requests_per_second = 1000")
    right, wrong = f"Bearer {place.token()}", "Bearer " + "w" * 40
    for first, second in ((right, wrong), (wrong, right), (right, right), (wrong, wrong)):
        client = place.connect()
        client.putrequest("GET", "/v1/status")
        client.putheader("Authorization", first)
        client.putheader("authorization", second)
        client.endheaders()
        reply = client.getresponse()
        found = json.loads(reply.read())
        check_problem(found, reply.status, dict(reply.headers))
        assert reply.status == 400 and "twice" in found["detail"], found
        client.close()
    place.stop()


def leaves_what_is_no_request_to_the_library(place: ApiPlace) -> None:
    """With the status codes that docs/api.md names."""
    place.start_api()
    for text, status in (("GET /" + "a" * 20000 + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
                         ("GET / HTTP/1.1\r\nHost: x\r\nX: " + "a" * 20000 + "\r\n\r\n", 431),
                         ("GET / HTTP/3.1\r\nHost: x\r\n\r\n", 505),
                         ("GET / HTTP/1.1\r\n\r\n", 400)):
        with socket.create_connection(("127.0.0.1", place.api_port), timeout=20) as client:
            client.sendall(text.encode())
            line = client.recv(4096).split(b"\r\n")[0].decode()
            assert line.split()[1] == str(status), (text[:40], line)
    place.stop()


def refuses_a_name_that_stands_twice(place: ApiPlace) -> None:
    """At the API and at the socket, by its name; nothing is blocked."""
    place.start_api()
    twice = b'"address": "203.0.113.1", "address": "203.0.113.2"'
    for method, path, body in (("POST", "/v1/blocks", b"{" + twice + b"}"),
                               ("POST", "/v1/blocks/bulk/add", b"[{" + twice + b"}]"),
                               ("PUT", "/v1/bypass", b'{"state": "off", "st\\u0061te": "on"}')):
        status, found, headers = place.request(method, path, body)
        check_problem(found, status, headers)
        name = "state" if method == "PUT" else "address"
        assert status == 400 and f'"{name}" twice' in found["detail"], found
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(place.folder / "control.sock"))
        client.sendall(b'{"command": "block", ' + twice + b"}\n")
        reply = json.loads(client.makefile("rb").readline())
    assert reply["ok"] is False and '"address" twice' in reply["error"], reply
    found = place.request("GET", "/v1/status")[1]
    assert found["blocks"]["active"] == 0 and found["bypass"] is False, found
    place.stop()


def answers_however_much_is_asked(place: ApiPlace) -> None:
    """Parameters beyond all measure: a refusal at once, which says why."""
    place.start_api("requests_per_second = 10000")
    for count in (33, 300, 1500):
        query = "&".join(f"a{number}=1" for number in range(count))
        status, found, headers = place.request("GET", f"/v1/blocks?{query}")
        check_problem(found, status, headers)
        assert status == 400 and "the target " in found["detail"], found
    assert place.request("GET", "/v1/blocks?" + "a" * 30000)[0] == 414
    status, found, headers = place.request("GET", "/v1/blocks?limit=0")
    check_problem(found, status, headers)
    assert status == 400 and found["detail"].startswith('"limit": 0 will not do'), found
    for query in ("?", "?limit=5", "?limit=5&shape=vertical"):
        assert place.request("GET", f"/v1/blocks{query}")[0] == 200, query
    place.stop()


def goes_on_with_events_where_a_client_stopped(place: ApiPlace) -> None:
    """Live events with their numbers; Last-Event-ID brings what came meanwhile."""
    place.start_api("streams_max = 1")

    def follow(last: str) -> http.client.HTTPResponse:
        for _ in range(200):  # the place of a client that left is free with the next event
            client = place.connect()
            client.request("GET", "/v1/events/stream", headers={
                "Authorization": f"Bearer {place.token()}", "Last-Event-ID": last,
                "Connection": "close"})
            reply = client.getresponse()
            if reply.status == 200:
                return reply
            reply.close()
            place.ask({"command": "unblock", "address": "203.0.113.200"}, may_fail=True)
            place.ask({"command": "block", "address": "203.0.113.200"}, may_fail=True)
            time.sleep(0.1)
        raise AssertionError("no place for a stream")

    def next_of(reply: http.client.HTTPResponse) -> dict[str, str]:
        rows: dict[str, str] = {}
        while "data" not in rows:
            line = reply.readline()
            assert line, "the stream has ended"
            name, _, value = line.decode().strip().partition(": ")
            rows[name] = value
        return rows

    reply = follow("")
    assert place.request("GET", "/v1/events/stream")[0] == 503
    place.ask({"command": "block", "address": "203.0.113.1"})
    first = next_of(reply)
    assert first["event"] == "source-blocked" and "203.0.113.1" in first["data"], first
    reply.close()
    for host in range(2, 5):
        place.ask({"command": "block", "address": f"203.0.113.{host}"})
    reply = follow(first["id"])
    for host in range(2, 5):
        assert f"203.0.113.{host}" in next_of(reply)["data"]
    reply.close()
    reply = follow("1-1")
    assert next_of(reply)["event"] == "missed"
    reply.close()
    place.stop()


def keeps_its_tokens_to_itself(place: ApiPlace) -> None:
    """Made with mode 0600 and kept over a restart; refused when others could read them."""
    place.start_api()
    path = place.folder / "api.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token = place.token()
    place.stop()
    place.start_api()
    assert place.token() == token and len(token) == 64
    place.stop()
    for mode, words in ((0o644, "chmod"), (0o640, "chmod")):
        path.chmod(mode)
        code, _, errors = place.run("-c", str(place.folder / "edgesentry.toml"))
        assert code == 1 and words in errors and str(path) in errors, errors
    path.chmod(0o600)
    path.write_text("short\n", encoding="utf-8")
    code, _, errors = place.run("-c", str(place.folder / "edgesentry.toml"))
    assert code == 1 and "openssl rand -hex 32" in errors, errors


def speaks_tls(place: ApiPlace) -> None:
    """With a certificate; plain HTTP gets nothing there, and a client's wrong trust neither."""
    certificate, key = place.folder / "api.crt", place.folder / "api.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out",
                    str(certificate)], check=True, capture_output=True)
    key.chmod(0o600)
    place.start_api(f'tls_certificate = "{certificate}"\ntls_key = "{key}"')
    place.tls = ssl.create_default_context(cafile=str(certificate))
    assert place.request("GET", "/v1/status")[0] == 200
    body = {"address": "203.0.113.7"}
    assert place.request("POST", "/v1/blocks", body)[1]["durable"] is True
    with contextlib.suppress(http.client.HTTPException, OSError):
        plain = http.client.HTTPConnection("127.0.0.1", place.api_port, timeout=5)
        plain.request("GET", "/healthz")
        assert plain.getresponse().status != 200
    place.tls = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLCertVerificationError):
        place.request("GET", "/healthz")
        raise AssertionError("a certificate of nobody was trusted")
    place.tls = ssl.create_default_context(cafile=str(certificate))
    assert place.request("GET", "/healthz", token="")[0] == 200
    place.stop()


CASES = (answers_as_its_document_says, answers_nothing_that_is_not_documented,
         limits_wrong_tokens_but_not_the_right_one, limits_what_one_client_asks,
         lets_a_writer_find_the_refusal_of_its_body, takes_one_authorization,
         leaves_what_is_no_request_to_the_library,
         refuses_a_name_that_stands_twice, answers_however_much_is_asked,
         goes_on_with_events_where_a_client_stopped, keeps_its_tokens_to_itself, speaks_tls)


if __name__ == "__main__":
    program, *names = sys.argv[1:]
    sys.exit(run_cases(program, [case for case in CASES if not names or case.__name__ in names]))
