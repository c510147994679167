"""block --file and unblock --file: what is wrong is told by line, and nothing is half done.

usage: address_file_test.py EDGESENTRYD    (prints TAP; no root; edgesentry lies beside it)
"""

import os
import subprocess
import sys
from pathlib import Path

from daemon_place import Place
from daemon_test import Case, main

ACTIVE = "edgesentry_blocks_active"


def start(place: Place, blocks: int = 4096) -> None:
    """With room for so many blocks."""
    config = place.write_config("net_null0", "net_null1")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("blocks = 256", f"blocks = {blocks}"), encoding="utf-8")
    place.start(config)


def run(place: Place, command: str, data: bytes | str, *words: str) -> tuple[int, str]:
    """With a file of these bytes; or, when it is a text, with the file of this name."""
    name = str(data)
    if isinstance(data, bytes):
        name = str(place.folder / "list")
        Path(name).write_bytes(data)
    done = subprocess.run(
        [str(Path(place.program).with_name("edgesentry")), command, "--file", name, *words,
         "--socket", str(place.folder / "control.sock")],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, (done.stdout + done.stderr).replace(f"{place.folder}/", "")


def refused(place: Place, data: bytes | str, *sentences: str, command: str = "block") -> str:
    """With these sentences; nothing has changed."""
    before = place.metric(ACTIVE)
    code, said = run(place, command, data)
    assert code == 1 and all(part in said for part in sentences), (sentences, said)
    assert place.metric(ACTIVE) == before, "a part of the list was taken"
    return said


def addresses(count: int) -> list[str]:
    """Different ones, none of them exempt."""
    return [f"198.{18 + i // 62500}.{i // 250 % 250}.{i % 250 + 1}" for i in range(count)]


def lines_of(names: list[str]) -> bytes:
    """One a line."""
    return "".join(name + "\n" for name in names).encode()


def names_the_line_of_what_is_wrong(place: Place) -> None:
    """Garbage, duplicates, what is never blocked: the line, the fault, the remedy."""
    start(place)
    said = refused(place, b"# mine\n203.0.113.1\n\nnonsense # why\n203.0.113.1\n300.1.1.1\r\n",
                   "list: 3 of 4 addresses will not do, and nothing was changed",
                   "list:4: 'nonsense' is no address; write one such as 192.0.2.7",
                   "list:5: 203.0.113.1 stands in line 2 already; take one of them out",
                   "list:6: '300.1.1.1' is no address")
    assert "why" not in said, said
    refused(place, b"\n203.0.113.1\n127.0.0.1\n198.51.100.0/24\n",
            "list: 2 of 3 addresses will not do, and nothing was changed",
            "list:3: 127.0.0.1",
            "list:4: ", "single IPv4 addresses")
    refused(place, b"203.0.113.1\n", "list:1: 203.0.113.1 is not blocked", command="unblock")
    place.stop()


def says_what_the_file_is(place: Place) -> None:
    """No file, a folder, an empty one, one of bytes, one without an end."""
    start(place)
    refused(place, str(place.folder / "missing"), "missing: No such file", "one address a line")
    refused(place, str(place.folder), "is a folder; name a file in it")
    refused(place, b"# nothing\n", "list names no address")
    refused(place, b"", "list names no address")
    said = refused(place, os.urandom(3000), "addresses will not do", "is no address")
    assert said.isascii() and len(said.splitlines()) < 14, said
    refused(place, "/dev/zero", "/dev/zero is longer than 64 MiB")
    place.stop()


def takes_more_than_a_request_holds_or_nothing(place: Place) -> None:
    """What is wrong in the third thousand keeps the first from being blocked."""
    start(place)
    many = addresses(2500)
    wrong = many[:2200] + ["127.0.0.1"] + many[2200:]
    refused(place, lines_of(wrong), "list: 1 of 2501 addresses will not do", "list:2201: 127.0.0.1")
    same = ["2001:db8:9::1", *many, "2001:db8:9::2"]
    refused(place, lines_of(same), "list:2502: 2001:db8:9::2 is the same source", "as in line 1")
    refused(place, lines_of(addresses(5000)), "5000 of its sources are not blocked yet",
            "room for 4096 more", "nothing was changed")
    assert run(place, "block", lines_of(many), "--for", "1h") == (0, "blocked 2500\n")
    assert place.metric(ACTIVE) == 2500
    refused(place, lines_of([*many, "203.0.113.9"]), "list:2501: 203.0.113.9 is not blocked",
            command="unblock")
    assert run(place, "unblock", lines_of(many)) == (0, "unblocked 2500\n")
    assert place.metric(ACTIVE) == 0
    place.stop()


CASES: list[Case] = [names_the_line_of_what_is_wrong, says_what_the_file_is,
                     takes_more_than_a_request_holds_or_nothing]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], CASES))
