"""What may stand where edgesentryd keeps its state, and what it says about it.

usage: state_test.py EDGESENTRYD    (prints TAP)
"""

import contextlib
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from daemon_place import FILE_PREFIX, Place, wait_for
from daemon_test import main


def configure(place: Place) -> Path:
    """No packets: the state is all that matters."""
    return place.write_config("net_null0", "net_null1")


def starts_beside(place: Place, name: str, put: Callable[[Path], None], said: str) -> None:
    """With an obstacle, which is named; without it the file is made, and holds."""
    put(place.folder / name)
    place.start(configure(place))
    assert said in place.errors(), place.errors()
    reply = place.ask({"command": "block", "address": "198.51.100.7"})
    if name.startswith("state-events"):
        assert reply["durable"], reply
        place.stop()
        return
    assert not reply["durable"] and said in reply["warning"], reply
    assert said in place.ask({"command": "status"})["state"]["trouble"]
    place.stop(expected=1)
    assert "lacks 1 block and 0 memories" in place.errors(), place.errors()


def a_named_pipe_does_not_hold_the_start(place: Place) -> None:
    """Opening one waits for whoever writes, for ever."""
    starts_beside(place, "state.db", os.mkfifo, "state.db is a named pipe")


def a_named_pipe_of_events_does_not_either(place: Place) -> None:
    """The blocks beside it are kept as ever."""
    starts_beside(place, "state-events.db", os.mkfifo, "state-events.db is a named pipe")


def a_symbolic_link_is_named_and_not_given_away(place: Place) -> None:
    """--check tells to remove it."""
    secret = place.folder / "secret"
    secret.write_text("x", encoding="utf-8")
    (place.folder / "state.db").symlink_to(secret)
    code, _, errors = place.run("-c", str(configure(place)), "--check", "--strict")
    assert code == 78 and "state.db is a symbolic link" in errors, errors
    assert "chown" not in errors, errors
    assert secret.read_text(encoding="utf-8") == "x"


def a_hard_link_is_named_and_not_given_away(place: Place) -> None:
    """Its other name may be root's."""
    secret = place.folder / "secret"
    secret.write_text("x", encoding="utf-8")
    os.link(secret, place.folder / "state.db")
    code, _, errors = place.run("-c", str(configure(place)), "--check", "--strict")
    assert code == 78 and "state.db is a hard link" in errors, errors
    assert "chown" not in errors, errors


def blocks_outlive_their_file(place: Place) -> None:
    """Removed under the process, it is written anew, with what stood in it before."""
    config = configure(place)
    place.start(config)
    for i in range(1, 21):
        reply = place.ask({"command": "block", "address": f"198.51.100.{i}"})
        assert reply["durable"], reply
    for file in place.folder.glob("state.db*"):
        file.unlink()
    reply = place.ask({"command": "block", "address": "198.51.100.21"})
    assert not reply["durable"], reply
    wait_for("the new file", lambda: place.metric("edgesentry_state_degraded") == 0, 30)
    assert "taken away" in place.errors(), place.errors()
    assert place.process is not None
    place.process.kill()
    place.process.wait()
    place.start(config)
    assert "21 blocks of an earlier run" in (place.folder / "events.json").read_text("utf-8")
    place.stop()


def restarts_with(place: Place, count: int) -> None:
    """A new start has that many blocks."""
    place.start(configure(place))
    active = place.ask({"command": "status"})["blocks"]["active"]
    assert active == count, active
    place.stop()


def begin_with(place: Place, count: int) -> None:
    """A start with that many durable blocks."""
    place.start(configure(place))
    for i in range(count):
        reply = place.ask({"command": "block", "address": f"198.51.100.{i + 1}"})
        assert reply["durable"], reply


def a_file_that_goes_before_the_stop_is_written_anew(place: Place) -> None:
    """However short before: the stop looks once more, and writes all."""
    begin_with(place, 20)
    for file in place.folder.glob("state.db*"):
        file.unlink()
    place.stop()
    restarts_with(place, 20)


def a_file_that_cannot_come_back_is_told_at_the_stop(place: Place) -> None:
    """With what is lost, and an exit code that is no success."""
    begin_with(place, 20)
    for file in place.folder.glob("state.db*"):
        file.unlink()
    (place.folder / "state.db").mkdir()
    place.stop(expected=1)
    assert "lacks 20 blocks and 0 memories" in place.errors(), place.errors()
    log = (place.folder / "events.json").read_text("utf-8")
    assert "lacks 20 blocks" in log, log


def a_file_that_is_written_over_is_written_anew(place: Place) -> None:
    """As `cp garbage state.db` does: the same inode, other content."""
    begin_with(place, 20)
    size = (place.folder / "state.db").stat().st_size
    with open(place.folder / "state.db", "r+b") as file:
        file.write(os.urandom(size + 100_000))
    wait_for("the notice", lambda: place.metric("edgesentry_state_failures_total") > 0, 30)
    wait_for("the new file", lambda: place.metric("edgesentry_state_degraded") == 0, 30)
    assert "written by somebody else" in place.errors(), place.errors()
    assert place.process is not None
    place.process.kill()
    place.process.wait()
    restarts_with(place, 20)


def an_end_that_cannot_be_is_shortened(place: Place) -> None:
    """One bit makes tens of thousands of years of an hour; told once, for it is written back."""
    config = configure(place)
    place.start(config)
    place.ask({"command": "block", "address": "198.51.100.9", "for": "1h"})
    place.stop()
    with contextlib.closing(sqlite3.connect(place.folder / "state.db")) as database:
        database.execute("UPDATE source SET until = until | (1 << 60)")
        database.commit()
    place.start(config)
    assert "had an end that no block can have" in place.errors(), place.errors()
    place.stop()
    place.start(config)
    assert "had an end that no block can have" not in place.errors(), place.errors()
    place.stop()


def the_file_is_held_by_one(place: Place) -> None:
    """A second process is refused with the first one's number; kill -9 lets go."""
    config = configure(place)
    place.start(config)
    assert place.process is not None
    with tempfile.TemporaryDirectory() as other:
        second = Place(place.program, Path(other))
        text = configure(second).read_text(encoding="utf-8")
        text = text.replace(f"{other}/state.db", f"{place.folder}/state.db")
        path = Path(other) / "edgesentry.toml"
        path.write_text(text.replace(FILE_PREFIX, FILE_PREFIX + "b"), encoding="utf-8")
        code, _, errors = second.run("-c", str(path))
        assert code == 1 and f"process {place.process.pid}" in errors, errors
    place.process.kill()
    place.process.wait()
    place.start(config)
    place.stop()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], [a_named_pipe_does_not_hold_the_start,
                                a_named_pipe_of_events_does_not_either,
                                a_symbolic_link_is_named_and_not_given_away,
                                a_hard_link_is_named_and_not_given_away,
                                blocks_outlive_their_file,
                                a_file_that_goes_before_the_stop_is_written_anew,
                                a_file_that_cannot_come_back_is_told_at_the_stop,
                                a_file_that_is_written_over_is_written_anew,
                                an_end_that_cannot_be_is_shortened,
                                the_file_is_held_by_one]))
