"""Configurations that would end badly: refused alike by both checks and at start, and in time.

usage: wrong_config_test.py EDGESENTRYD    (prints TAP; no root; edgesentry lies beside it)
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from daemon_place import Place, free_port
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


def asks_dpdk_for_nothing_it_has_not(place: Place) -> None:
    """No page of usage, no start that ends with 0 and says nothing."""
    text = place.write_config("net_null0", "net_null1").read_text(encoding="utf-8")
    for word, sentence in (("--nonsense", "is no option of DPDK's EAL"),
                           ("-h", "would end the start"), ("--version", "would end the start")):
        refused(place, text.replace("[dpdk]\n", f'[dpdk]\neal_args = ["{word}"]\n'),
                f'dpdk.eal_args: "{word}" {sentence}')
    config = place.write_config("net_null0", "net_null1")
    for words in ([], ["--check"]):
        code, _, said = place.run("-h", "--", "-c", str(config), *words)
        assert code == 1 and 'before --: "-h" would end the start' in said, said


def cannot_listen_where_it_is_told(place: Place) -> None:
    """Another machine's address, a file in the place of the socket."""
    text = place.write_config("net_null0", "net_null1").read_text(encoding="utf-8")
    refused(place, text.replace(f"127.0.0.1:{place.port}", f"192.0.2.77:{place.port}"),
            "metrics.listen", "Cannot assign requested address", code=1)
    (place.folder / "control.sock").write_text("a file", encoding="utf-8")
    refused(place, text, "control.sock: something else is there, not a socket", code=1)
    assert (place.folder / "control.sock").read_text(encoding="utf-8") == "a file"


def has_no_tls_without_its_files(place: Place) -> None:
    """Garbage, a key that others can read, two that do not belong together."""
    made = []
    for name in ("one", "two"):
        key, certificate = place.folder / f"{name}.key", place.folder / f"{name}.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout",
                        str(key), "-out", str(certificate)], check=True, capture_output=True)
        key.chmod(0o600)
        made.append((key, certificate))
    config = place.write_config("net_null0", "net_null1")
    token = place.folder / "made.token"
    text = config.read_text(encoding="utf-8") + (
        f'[api]\nlisten = "127.0.0.1:{free_port()}"\ntoken_file = "{token}"\n'
        'tls_certificate = "{}"\ntls_key = "{}"\n')
    (key, certificate), (other, _) = made
    config.write_text(text.format(certificate, key), encoding="utf-8")
    code, out, err = place.run("--check", "-c", str(config))
    assert code == 0 and "is right, and" in out and not token.exists(), (out, err)
    together = "name PEM files that belong together"
    refused(place, text.format(certificate, other), together, code=1)
    key.chmod(0o640)
    refused(place, text.format(certificate, key), "api.tls_key: ", "chmod 600 it", code=1)
    key.write_text("garbage\n", encoding="utf-8")
    key.chmod(0o600)
    refused(place, text.format(certificate, key), together, code=1)
    (place.folder / "two.crt").write_text("garbage\n", encoding="utf-8")
    refused(place, text.format(place.folder / "two.crt", other), together, code=1)
    token.chmod(0o644)
    refused(place, text.format(certificate, key), "api.token_file: ", "chmod 600 it", code=1)


def counts_what_it_starts_with_all_the_same(place: Place) -> None:
    """0 and "right, with 1 warning"; 78 where that is asked for."""
    config = place.write_config("net_null0", "net_null1")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[log]\n", '[log]\nblock_command = "/no/such"\n'),
                      encoding="utf-8")
    code, out, err = place.run("--check", "-c", str(config))
    assert code == 0 and "is right, with 1 warning, and" in out, (out, err)
    assert "warning: log.block_command: /no/such" in err, err
    assert place.run("--check", "--strict", "-c", str(config))[0] == 78


def misses_the_programs_beside_it(place: Place) -> None:
    """Nothing would drop without edgesentry-nft: a warning; nothing runs without edgesentry-run."""
    beside = Path(place.program).parent
    for name in ("edgesentryd", "edgesentry-run"):
        shutil.copy2(beside / name, place.folder / name)
    config = place.write_config("net_null0", "net_null1", '[enforce]\nnftables = "inet"\n')
    words = [str(place.folder / "edgesentryd"), "--check", "-c", str(config)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=START_SECONDS, check=False)
    assert done.returncode == 0 and "is right, with" in done.stdout, done
    assert f"warning: enforce.nftables: nothing would drop: {place.folder}/edgesentry-nft" in (
        done.stderr), done
    (place.folder / "edgesentry-run").chmod(0o644)
    done = subprocess.run(words, capture_output=True, text=True, timeout=START_SECONDS, check=False)
    assert done.returncode == 1 and "edgesentry-run: Permission denied" in done.stderr, done


def checks_beside_one_that_runs(place: Place) -> None:
    """Its ports and its socket are in use, by itself; it notices nothing."""
    config = place.write_config("net_null0", "net_null1")
    place.start(config)
    code, out, err = place.run("--check", "-c", str(config))
    assert code == 0 and "is right, and" in out, (out, err)
    assert place.ask({"command": "status"})["ok"]
    place.stop()


CASES: list[Case] = [asks_dpdk_for_nothing_it_has_not, cannot_listen_where_it_is_told,
                     has_no_tls_without_its_files, counts_what_it_starts_with_all_the_same,
                     misses_the_programs_beside_it, checks_beside_one_that_runs,
                     keeps_its_files_apart, has_one_server_on_each_port,
                     knows_users_capabilities_and_interfaces,
                     wants_no_more_memory_than_there_is]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], CASES))
