"""What edgesentryd may still do once it runs, and that it does its work all the same.

usage: privilege_test.py EDGESENTRYD    (prints TAP; root)
"""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from daemon_place import Place, free_port, wait_for
from daemon_test import main

NOBODY = 65534
RUNS = "edgesentry_responses_total"
COMMAND = """#!/bin/sh
{ echo "$@"; id -u; env | sort | cut -d= -f1 | tr '\\n' ' '; echo
  grep -E '^(CapEff|NoNewPrivs):' /proc/self/status; } > %s/ran/"$1"
"""


def start(place: Place, more: str = "", cache: Path | str = "") -> Path:
    """As nobody, with a command; the folder of files that the user gets."""
    place.folder.chmod(0o755)
    ours = place.folder / "edgesentry"
    ours.mkdir(exist_ok=True)
    (place.folder / "ran").mkdir(exist_ok=True)
    (place.folder / "ran").chmod(0o777)
    (place.folder / "ignore").write_text("", encoding="utf-8")
    command = place.folder / "command"
    command.write_text(COMMAND % place.folder, encoding="utf-8")
    command.chmod(0o755)
    config = place.write_config("net_null0", "net_null1",
                                f'[allow]\nfile = "{place.folder}/ignore"\n'
                                f'[payload]\ncache = "{cache}"\n'
                                f'[privilege]\nuser = "nobody"\n{more}')
    text = config.read_text(encoding="utf-8")
    for name in ("events.json", "state.db"):
        text = text.replace(f"{place.folder}/{name}", f"{ours}/{name}")
    text = text.replace("[log]\n", f'[log]\nblock_command = "{command} $TARGET$ $PORT$ \'a b\'"\n')
    config.write_text(text, encoding="utf-8")
    os.chown(place.folder, NOBODY, NOBODY)  # the control socket is removed from there at the end
    place.start(config)
    return ours


def facts(task: Path) -> dict[str, str]:
    """What the kernel says of a thread."""
    rows = (task / "status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (row.partition(":") for row in rows)}


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = place.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == pid:
            found.append(int(place.parent.name))
    return found


def every_thread_has_given_up(place: Place) -> None:
    """User, groups, capabilities, no new privileges and seccomp, as documented."""
    start(place)
    assert place.process
    tasks = list(Path(f"/proc/{place.process.pid}/task").iterdir())
    assert len(tasks) > 8, tasks
    for task in tasks:
        seen = facts(task)
        assert set(seen["Uid"].split()) == set(seen["Gid"].split()) == {str(NOBODY)}, seen
        assert int(seen["CapEff"], 16) == int(seen["CapPrm"], 16) == 0, seen
        assert int(seen["CapBnd"], 16) == int(seen["CapAmb"], 16) == 0, seen
        assert seen["NoNewPrivs"] == "1" and seen["Seccomp"] == "2", seen
    row = place.ask({"command": "status"})["privilege"]
    assert row["user"] == f"nobody ({NOBODY})" and row["capabilities"] == "none", row
    assert row["seccomp"] == "refuse", row
    place.stop()
    assert not (place.folder / "control.sock").exists(), "the socket is left behind"


def everything_works_behind_it(place: Place) -> None:
    """Block, unblock, reload, allow file, rotation of the log, state."""
    ours = start(place)
    reply = place.ask({"command": "block", "address": "198.51.100.9"})
    assert reply["durable"], reply
    log = ours / "events.json"
    wait_for("the event", lambda: log.exists() and "198.51.100.9" in log.read_text(), 20)
    log.rename(ours / "events.json.1")
    place.ask({"command": "unblock", "address": "198.51.100.9"})
    wait_for("a new log", lambda: log.exists() and "198.51.100.9" in log.read_text(), 20)
    place.ask({"command": "reload"})
    (place.folder / "ignore").write_text("203.0.113.0/24\n", encoding="utf-8")
    wait_for("the allow file", lambda: "was read again" in log.read_text(), 20)
    assert place.ask({"command": "status"})["state"]["state"] == "working"
    place.stop()


def tightens_databases_that_others_can_read(place: Place) -> None:
    """Files of an earlier version: by the user that owns them now, and told."""
    ours = start(place)
    place.stop()
    files = [ours / "state.db", ours / "state-events.db"]
    for file in files:
        file.chmod(0o644)
    start(place)
    for file in files:
        assert file.stat().st_mode & 0o7777 == 0o640, file
        assert place.errors().count(f"{file} had mode 0644") == 1, place.errors()
    assert place.ask({"command": "status"})["state"]["state"] == "working"
    place.stop()


def takes_both_tokens_of_its_user(place: Place) -> None:
    """The files belong to the user that it becomes; each token opens what it is for."""
    port = free_port()
    for name in ("change", "look"):
        token = place.folder / name
        token.write_text(f"{name:x<32}\n", encoding="utf-8")
        token.chmod(0o600)
        os.chown(token, NOBODY, NOBODY)
    start(place, f'[api]\nlisten = "127.0.0.1:{port}"\ntoken_file = "{place.folder}/change"\n'
                 f'read_token_file = "{place.folder}/look"\n')
    for name in ("change", "look"):
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/status",
                                       headers={"Authorization": f"Bearer {name:x<32}"})
        with urllib.request.urlopen(asked, timeout=20) as reply:
            assert reply.status == 200, reply.status
    place.stop()


def makes_tokens_that_belong_to_its_user(place: Place) -> None:
    """Folder and files are that user's and nobody else's; a second start takes them as they are."""
    files = [place.folder / "tokens" / name for name in ("change", "look")]
    api = (f'[api]\nlisten = "127.0.0.1:{free_port()}"\ntoken_file = "{files[0]}"\n'
           f'read_token_file = "{files[1]}"\n')
    start(place, api)
    made = [file.read_text(encoding="utf-8") for file in files]
    assert all(len(text) == 65 for text in made) and made[0] != made[1]
    for path, mode in ((files[0].parent, 0o750), (files[0], 0o600), (files[1], 0o600)):
        about = path.stat()
        assert (about.st_uid, about.st_mode & 0o7777) == (NOBODY, mode), (path, about)
    for file, text in zip(files, made, strict=True):
        read = subprocess.run(["cat", str(file)], user=NOBODY, group=NOBODY, extra_groups=[],
                              capture_output=True, text=True, check=True)
        assert read.stdout == text
    place.stop()
    start(place, api)
    assert [file.read_text(encoding="utf-8") for file in files] == made
    place.stop()


def commands_run_as_nobody_with_nothing(place: Place) -> None:
    """User, arguments, environment, capabilities; and again when what runs them was killed."""
    start(place)
    assert place.process
    place.ask({"command": "block", "address": "198.51.100.9"})
    out = place.folder / "ran" / "198.51.100.9"
    wait_for("the command", lambda: out.exists() and "NoNewPrivs" in out.read_text(), 20)
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "198.51.100.9 0 a b" and lines[1] == str(NOBODY), lines
    assert set(lines[2].split()) <= {"LANG", "PATH", "PWD", "SHLVL", "_", "OLDPWD"}, lines
    assert int(lines[3].split()[1], 16) == 0 and lines[4].split()[1] == "1", lines
    watcher = children(place.process.pid)
    assert len(watcher) == 1, watcher
    worker = children(watcher[0])
    os.kill(worker[0], signal.SIGKILL)
    wait_for("another one", lambda: children(watcher[0]) not in ([], worker), 20)
    place.ask({"command": "block", "address": "198.51.100.10"})
    wait_for("the command", (place.folder / "ran" / "198.51.100.10").exists, 20)
    place.stop()
    wait_for("its end", lambda: not Path(f"/proc/{watcher[0]}").exists(), 20)


def goes_on_when_nothing_runs_its_commands(place: Place) -> None:
    """Both processes of edgesentry-run killed: said, counted, and everything else works."""
    start(place)
    assert place.process
    watcher = children(place.process.pid)[0]
    worker = children(watcher)[0]
    os.kill(watcher, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    for last in (9, 10):
        place.ask({"command": "block", "address": f"198.51.100.{last}"})
    wait_for("the failures", lambda: place.metric(RUNS, 'result="failed"') >= 2, 20)
    assert not list((place.folder / "ran").iterdir())
    assert len(place.ask({"command": "blocked"})["sources"]) == 2
    place.stop()


def starts_on_a_disk_that_is_read_only(place: Place) -> None:
    """Blocks in memory, the old ones put back, all of it said; the disk catches up once it can."""
    ours = place.folder / "edgesentry"
    ours.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "edgesentry", str(ours)], check=True)
    try:
        start(place)
        assert place.ask({"command": "block", "address": "198.51.100.9"})["durable"]
        place.stop()
        subprocess.run(["mount", "-o", "remount,ro", str(ours)], check=True)
        start(place)
        for key in ("state.file", "log.json_file"):
            assert f"{key}: after the drop to user nobody" in place.errors(), place.errors()
        assert f"{ours} is on a disk that is read-only; it starts" in place.errors()
        reply = place.ask({"command": "block", "address": "198.51.100.10"})
        assert not reply["durable"], reply
        assert place.metric("edgesentry_state_degraded") == 1
        blocked = [row["source"] for row in place.ask({"command": "blocked"})["sources"]]
        assert blocked == ["198.51.100.9", "198.51.100.10"], blocked
        subprocess.run(["mount", "-o", "remount,rw", str(ours)], check=True)
        wait_for("the disk", lambda: place.metric("edgesentry_state_degraded") == 0, 20)
        log = ours / "events.json"
        wait_for("the log", lambda: "198.51.100.10" in log.read_text(encoding="utf-8"), 20)
        place.stop()
    finally:
        place.clean_up()
        subprocess.run(["umount", str(ours)], check=True)


def starts_with_files_that_cannot_be_written(place: Place) -> None:
    """As on a disk that is read-only, with what to do about a file that is the user's already."""
    start(place)
    place.stop()
    state = place.folder / "edgesentry" / "state.db"
    state.chmod(0o444)
    start(place)
    assert f"chmod u+rw {state}*; it starts all the same" in place.errors(), place.errors()
    assert not place.ask({"command": "block", "address": "198.51.100.9"})["durable"]
    for file in state.parent.glob("state.db*"):  # SQLite made its journals as the file was
        file.chmod(0o640)
    wait_for("the file", lambda: place.metric("edgesentry_state_degraded") == 0, 20)
    place.stop()


def leaves_the_cache_of_its_user_alone(place: Place) -> None:
    """What a daemon that was taken over may have written there is not for root to look at."""
    cache = place.folder / "cache"
    cache.mkdir()
    os.chown(cache, NOBODY, NOBODY)
    planted = cache / "patterns.hsdb"
    planted.write_bytes(b"planted")
    os.chown(planted, NOBODY, NOBODY)
    start(place, "", cache)
    said = [line for line in place.errors().splitlines() if "patterns" in line or "cache" in line]
    assert len(said) == 1 and "patterns are compiled at this start" in said[0], said
    assert planted.read_bytes() == b"planted"
    place.stop()


def says_what_the_user_cannot_read(place: Place) -> None:
    """A start ends before anything is opened, with file, user and remedy."""
    config = place.write_config("net_null0", "net_null1", '[privilege]\nuser = "nobody"\n')
    place.folder.chmod(0o700)
    code, _, err = place.run("-c", str(config))
    assert code == 1 and f"after the drop to user nobody, {config} cannot be read" in err, err
    assert "chmod g+x" in err, err
    code, _, err = place.run("--check", "-c", str(config))
    assert code == 1 and "after the drop" in err, err


def foretells_what_it_hands_over(place: Place) -> None:
    """--check finds no fault in a folder of root's that the start gives away, nor gives it."""
    place.folder.chmod(0o711)
    ours = place.folder / "edgesentry"
    ours.mkdir(mode=0o700)
    config = place.write_config("net_null0", "net_null1", '[privilege]\nuser = "nobody"\n')
    text = config.read_text(encoding="utf-8")
    text = text.replace(f"{place.folder}/control.sock", f"{ours}/control.sock")
    inside = text
    for name in ("state.db", "events.json"):
        inside = inside.replace(f"{place.folder}/{name}", f"{ours}/{name}")
    config.write_text(inside, encoding="utf-8")
    config.chmod(0o644)
    code, out, err = place.run("--check", "--strict", "-c", str(config))
    assert code == 0 and "is right, and" in out, (code, out, err)
    assert ours.stat().st_uid == 0, "it was given away by the check"
    config.write_text(text, encoding="utf-8")
    code, out, err = place.run("--check", "--strict", "-c", str(config))
    assert code == 78 and "cannot be written" in err and "with 3 warnings" in out, (out, err)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root, to become somebody else")
        sys.exit(0)
    sys.exit(main(sys.argv[1], [every_thread_has_given_up, everything_works_behind_it,
                                tightens_databases_that_others_can_read,
                                takes_both_tokens_of_its_user,
                                makes_tokens_that_belong_to_its_user,
                                commands_run_as_nobody_with_nothing,
                                goes_on_when_nothing_runs_its_commands,
                                starts_on_a_disk_that_is_read_only,
                                starts_with_files_that_cannot_be_written,
                                leaves_the_cache_of_its_user_alone,
                                says_what_the_user_cannot_read,
                                foretells_what_it_hands_over]))
