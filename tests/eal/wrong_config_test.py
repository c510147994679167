"""Configurations that would end badly: refused alike by both checks and at start, and in time.

usage: wrong_config_test.py EDGESENTRYD    (prints TAP; no root; edgesentry lies beside it)
"""

import re
import subprocess
import sys
from pathlib import Path

from daemon_place import Place
from daemon_test import Case, main

START_SECONDS = 20  # a refusal takes no time


def refused(place: Place, text: str, *sentence: str, code: int = 78) -> None:
    """By both checks and by the start: the same exit code, the same sentence."""
    config = place.folder / "edgesentry.toml"
    config.write_text(text, encoding="utf-8")
    daemon = [place.program, "-c", str(config)]
    runs = [[*daemon, "--check"], daemon]
    if code == 78:
        runs.append([str(Path(place.program).parent / "edgesentry"), "check", str(config)])
    for words in runs:
        done = subprocess.run(words, capture_output=True, text=True, timeout=START_SECONDS,
                              check=False)
        said = done.stdout + done.stderr
        assert done.returncode == code, (words, done)
        assert all(part in said for part in sentence), (words, sentence, said)
    assert config.read_text(encoding="utf-8") == text, "the configuration was written to"


def keeps_its_files_apart(place: Place) -> None:
    """No database over the configuration, a log or a token; no log over the configuration."""
    text = place.write_config("net_null0", "net_null1").read_text(encoding="utf-8")
    folder = place.folder
    token = folder / "api.token"
    token.write_text("t" * 32 + "\n", encoding="utf-8")
    token.chmod(0o600)
    tokens = f'[api]\ntoken_file = "{token}"\n'
    for name, what in (("edgesentry.toml", "the configuration itself"),
                       ("events.json", "log.json_file"), ("control.sock", "control.socket"),
                       ("api.token", "api.token_file")):
        line = (text + tokens)[:(text + tokens).index("[state]")].count("\n") + 2
        refused(place, (text + tokens).replace("/state.db", f"/{name}"),
                f"edgesentry.toml:{line}:1: state.file: is the same file as {what}",
                "Name a file that nothing else uses")
    refused(place, text.replace("/events.json", "/edgesentry.toml"),
            "log.json_file: is the same file as the configuration itself")
    assert token.read_text(encoding="utf-8") == "t" * 32 + "\n"


def has_one_server_on_each_port(place: Place) -> None:
    """The API is not where the metrics are."""
    text = place.write_config("net_null0", "net_null1").read_text(encoding="utf-8")
    refused(place, text + f'[api]\nlisten = "127.0.0.1:{place.port}"\n', "api.listen: ",
            "is where metrics.listen is", "Choose another port")


def knows_users_capabilities_and_interfaces(place: Place) -> None:
    """Before anything is begun with them."""
    text = place.write_config("net_null0", "net_null1").read_text(encoding="utf-8")
    for more, sentence in (
            ('user = "no-such-one"', 'privilege.user: this machine has no user "no-such-one"'),
            ('user = "4294967295"', "privilege.user: 4294967295 is the number of no user"),
            ('group = "no-such-one"', 'privilege.group: this machine has no group "no-such-one"'),
            ('capabilities = ["CAP_BOGUS"]', 'there is no capability "CAP_BOGUS"')):
        refused(place, f"{text}[privilege]\n{more}\n", sentence)
    refused(place, f'{text}[enforce]\nnftables = "netdev"\nnftables_devices = ["../x"]\n',
            'enforce.nftables_devices: "../x" is no name of an interface')
    refused(place, text.replace('"net_null0"', '"../x"'), 'segment[0].outside: "../x" is no name')


def wants_no_more_memory_than_there_is(place: Place) -> None:
    """With what is wanted, what there is and what to write, before DPDK begins."""
    text = place.write_config("net_null0", "net_null1").read_text(encoding="utf-8")
    total = re.search(r"MemTotal:\s+(\d+) kB",
                      Path("/proc/meminfo").read_text(encoding="utf-8"))
    assert total is not None
    if int(total[1]) >= 1 << 30:  # this is a very large machine
        return
    refused(place, text.replace("memory_mb = 128", "memory_mb = 1048576"),
            "[dpdk] memory_mb = 1048576: this machine has", "write memory_mb = ", code=1)
    large = text.replace("sources = 4096", 'sources = "256M"')
    refused(place, large.replace("mbufs = 4096", "mbufs = 16777216"),
            "[workers] mbufs = 16777216 needs", "are available", code=1)


CASES: list[Case] = [keeps_its_files_apart, has_one_server_on_each_port,
                     knows_users_capabilities_and_interfaces,
                     wants_no_more_memory_than_there_is]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], CASES))
