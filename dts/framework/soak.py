"""The soak's rounds: trouble, then a look at everything that must hold; and what came of it."""

import csv
import random
import statistics
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import ClassVar

from framework import tools
from framework.console import Console
from framework.errors import LabError, VerifyError
from framework.processes import cost_of
from framework.servers import Servers
from framework.settings import Table
from framework.sut import Appliance
from framework.testbed import Testbed
from framework.troubles import API_PORT, Troubles
from framework.waiting import wait_for

TROUBLES_OF_A_ROUND = 3
WARM_UP = 0.5  # of the rounds: the ring of recent events takes some 25 minutes to fill
GROWTH_KIB_MAX = 4096  # of the median of the last fifth over that of the first after the warm-up


@dataclass(frozen=True)
class Round:
    """How it was at the end of one round."""

    second: int
    troubles: str
    faults: str  # empty: all held
    resident_kib: int = 0
    descriptors: int = 0
    threads: int = 0
    received: int = 0
    forwarded: int = 0
    dropped_by_verdict: int = 0
    dropped_by_fault: int = 0
    blocks: int = 0
    in_kernel: int = 0
    promised: int = 0


class Soak:
    """One appliance, troubled for a long time."""

    settings: ClassVar[Table] = {
        "block": {"ladder": ["60s"], "forget_after": "2m"},
        "api": {"listen": f"127.0.0.1:{API_PORT}"},
        "enforce": {"nftables": "inet"},
        "table": {"sources": 1 << 16, "suspects": 1 << 10, "blocks": 1 << 13},
    }

    def __init__(self, testbed: Testbed, console: Console, seed: int) -> None:
        """Start servers and appliance."""
        self._testbed, self._console = testbed, console
        self._dice = random.Random(seed)
        self._servers = Servers(testbed)
        self._sut = Appliance(testbed, self.settings)
        self._sut.write_config({"api": {"token_file": str(self._sut.work / "api.token")}})
        self._sut.start()
        self._troubles = Troubles(testbed, self._sut, self._dice)
        self._rounds: list[Round] = []
        self._cards: list[str] = []

    def close(self) -> None:
        """Take everything away."""
        self._troubles.close()
        self._sut.kill()
        self._servers.close()

    def run(self, seconds: float) -> None:
        """Trouble it until the time is over."""
        self._fill_memories()
        began = time.monotonic()
        kinds = len(self._troubles.all)
        self._console.title(f"The soak: {seconds / 60:g} minutes, {kinds} kinds of trouble")
        while (passed := time.monotonic() - began) < seconds:
            row = self._round(int(passed))
            self._rounds.append(row)
            self._tell(row, passed / seconds)
            if not self._sut.is_running:
                return

    def _fill_memories(self) -> None:
        """Make more events than are remembered, so that what grows afterwards grows for ever."""
        for block in range(5):
            items = [f"192.89.{block * 4 + i // 250}.{i % 250 + 1}" for i in range(1000)]
            for command in ("block-many", "unblock-many"):
                answer = self._sut.ask(command, items=items)
                if not answer["ok"]:
                    raise VerifyError(f"{command}: {answer}")

    def _round(self, second: int) -> Round:
        names, faults = [self._draw() for _ in range(TROUBLES_OF_A_ROUND)], []
        for name in names:
            try:
                self._troubles.all[name]()
            except (AssertionError, LabError, VerifyError, OSError) as fault:
                faults.append(f"{name}: {fault}")
        faults += self._look()
        try:
            metrics, cost = self._sut.metrics(), cost_of(self._sut.pid)
        except (LabError, OSError) as fault:
            gone = "" if self._sut.is_running else f": it has ended ({self._sut.exit_code})"
            said = f"{fault}{gone}: {self._sut.log()[-2000:]}"
            return Round(second, ", ".join(names), "; ".join([*faults, said]))
        return Round(
            second=second,
            troubles=", ".join(names),
            resident_kib=cost.resident_kib,
            descriptors=cost.descriptors,
            threads=cost.threads,
            received=metrics.received,
            forwarded=metrics.forwarded,
            dropped_by_verdict=metrics.dropped_by_verdict,
            dropped_by_fault=metrics.dropped_by_fault,
            blocks=int(metrics.sum("edgesentry_blocks_active", enforcer="workers")),
            in_kernel=int(metrics.sum("edgesentry_enforcer_sources", enforcer="nftables")),
            promised=len(self._troubles.promised),
            faults="; ".join(faults),
        )

    def _draw(self) -> str:
        if not self._cards:  # every trouble once, then all of them anew in another order
            self._cards = list(self._troubles.all)
            self._dice.shuffle(self._cards)
        return self._cards.pop()

    def _look(self) -> list[str]:
        faults = []
        for look in (self._account, self._client, self._promises, self._kernel):
            try:
                look()
            except (LabError, VerifyError, OSError) as fault:
                faults.append(f"{look.__name__.strip('_')}: {fault}")
        return faults

    def _account(self) -> None:
        self._sut.settled_metrics()

    def _client(self) -> None:
        client, server = self._testbed.client, self._testbed.servers.ipv4[0]
        wait_for("the client's page", lambda: tools.fetches(client, client.ipv4[0], server), 30)

    def _promises(self) -> None:
        blocked, cursor = set(), 0
        while True:
            page = self._sut.ask("blocked", count=1000, cursor=cursor)
            blocked |= {row["source"] for row in page["sources"]}
            cursor = page.get("next", 0)
            if not cursor:
                break
        lost = self._troubles.promised - blocked
        if lost:
            raise VerifyError(f"{len(lost)} acknowledged blocks are gone, such as {min(lost)}")
        if set(self._testbed.client.ipv4) & blocked:
            raise VerifyError("the client is blocked")

    def _kernel(self) -> None:
        def agrees() -> bool:
            metrics = self._sut.metrics()
            active = metrics.sum("edgesentry_blocks_active", enforcer="workers")
            return active == metrics.sum("edgesentry_enforcer_sources", enforcer="nftables")

        wait_for("the kernel to hold what the ledger has", agrees, 30)

    def _tell(self, row: Round, part: float) -> None:
        mark = self._console.paint("FAIL", "bold", "red") if row.faults else "ok  "
        self._console.line(
            f"  {part:4.0%}  {mark}  {row.resident_kib / 1024:6.1f} MiB  {row.descriptors:3} files"
            f"  {row.received:9} packets  {row.blocks:4} blocks  {row.troubles}"
            + (f"  {row.faults}" if row.faults else "")
        )

    def keep(self, table: str | None, picture: str | None) -> None:
        """Write the rounds as CSV, and draw them."""
        if table:
            with Path(table).open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, [field.name for field in fields(Round)])
                writer.writeheader()
                writer.writerows(asdict(row) for row in self._rounds)
        if picture:
            draw(self._rounds, Path(picture))

    def judge(self) -> None:
        """Say what held."""
        rounds, console = self._rounds, self._console
        if not rounds:
            raise VerifyError("not one round was over in that time")
        console.title("What came of it")
        wrong = [row for row in rounds if row.faults]
        console.check(not wrong, "every look of every round held",
                      f"{len(rounds) - len(wrong)} of {len(rounds)} rounds")
        console.check(self._sut.is_running, "it is the process that was started")
        settled = rounds[int(len(rounds) * WARM_UP) :]
        fifth = max(len(settled) // 5, 1)
        first, last = settled[:fifth], settled[-fifth:]
        growth = _median(last, "resident_kib") - _median(first, "resident_kib")
        console.check(growth <= GROWTH_KIB_MAX, "its memory is flat",
                      f"{growth / 1024:+.1f} MiB of {_median(last, 'resident_kib') / 1024:.0f} MiB")
        for name in ("descriptors", "threads"):
            before, after = _median(first, name), _median(last, name)
            console.check(after <= before + 1, f"its {name} are no more", f"{before:g}, {after:g}")
        if self._sut.is_running:
            account = self._sut.stop()
            console.check(account.balance == 0, "the account of packets adds up", account.account())


def _median(rounds: list[Round], name: str) -> float:
    return float(statistics.median(getattr(row, name) for row in rounds))


def draw(rounds: list[Round], path: Path) -> None:
    """Draw memory, blocks and packets over time; without matplotlib nothing, and that is said."""
    try:
        import matplotlib  # noqa: PLC0415 (only needed here)
    except ImportError:
        print("no picture: install python3-matplotlib")
        return
    matplotlib.use("svg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    minutes = [row.second / 60 for row in rounds]
    figure, axes = plt.subplots(3, 1, sharex=True, figsize=(8, 6), layout="constrained")
    axes[0].plot(minutes, [row.resident_kib / 1024 for row in rounds])
    axes[0].set_ylabel("resident, MiB")
    axes[0].set_ylim(bottom=0)
    axes[1].plot(minutes, [row.blocks for row in rounds], label="ledger")
    axes[1].plot(minutes, [row.in_kernel for row in rounds], "--", label="kernel")
    axes[1].set_ylabel("blocks")
    axes[1].legend(frameon=False)
    axes[2].plot(minutes, [row.received / 1e6 for row in rounds])
    axes[2].set_ylabel("packets, millions")
    axes[2].set_xlabel("minutes")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
