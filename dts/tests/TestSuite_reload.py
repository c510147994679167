"""A reload applies what can be applied, names what cannot, and refuses a bad file whole."""

import os
import signal
import socket
import threading
from typing import ClassVar

from framework.passage import Crossing
from framework.servers import UDP_PORT
from framework.settings import Table
from framework.test_suite import TestSuite, func_test
from framework.traffic import FIRST_PORT, Sender, port_scan, udp
from framework.waiting import wait_for

QUESTIONS, QUESTION_PAUSE = 3000, 0.002
GENERATION = "edgesentry_config_generation"


class TestReload(TestSuite):
    """By command and by SIGHUP."""

    settings: ClassVar[Table] = {"mode": "observe"}

    def generation(self) -> float:
        """Return the generation of the configuration in force."""
        return self.sut.metrics().sum(GENERATION)

    def reloads(self, result: str) -> float:
        """Return how many reloads ended so."""
        return self.sut.metrics().sum("edgesentry_config_reloads_total", result=result)

    @func_test
    def refuses_a_bad_file_and_goes_on(self) -> None:
        """A file with a fault changes nothing.

        Steps:
            Write a threshold out of range and ask for a reload.

        Verify:
            The answer is not ok and names the key; the generation stays.
        """
        before = self.generation()
        self.sut.write_config({"detect": {"false_positive": 2.0}, "mode": "enforce"})
        answer = self.sut.ask("reload")
        self.verify(answer.get("ok") is False, f"a bad file was taken: {answer}")
        self.verify("detect.false_positive" in str(answer), f"the answer names no key: {answer}")
        self.verify_equal(self.generation(), before, "generation")
        self.sut.write_config({"detect": {"false_positive": 1e-3}, "mode": "observe"})

    @func_test
    def names_what_needs_a_restart(self) -> None:
        """A key that a reload cannot apply is named in the answer.

        Steps:
            Change table.sources and ask for a reload.

        Verify:
            The answer names table.sources.
        """
        self.sut.write_config({"table": {"sources": 1 << 17}})
        answer = self.sut.ask("reload")
        self.verify("table.sources" in str(answer), f"the answer does not name it: {answer}")
        self.sut.write_config({"table": {"sources": 1 << 16}})

    @func_test
    def takes_a_new_mode_by_command(self) -> None:
        """observe becomes enforce without a restart.

        Steps:
            Scan in observe mode, reload with mode = "enforce", scan from another address.

        Verify:
            The first scan passes whole, the second is blocked.
        """
        first, second = self.attacker.fresh_ipv4(), self.attacker.fresh_ipv4()
        with Crossing(self.testbed) as crossing:
            self.sender.send(port_scan(first, self.server, range(1000, 1040)), 0.01)
            self.sut.wait_event("source-would-be-blocked", first)
            self.sut.write_config({"mode": "enforce"})
            answer = self.sut.ask("reload")
            self.verify(answer.get("ok"), f"reload: {answer}")
            self.sender.send(port_scan(second, self.server, range(1000, 1040)), 0.01)
            self.sut.wait_event("source-blocked", second)
            wait_for("the whole observed scan", lambda: crossing.arrived(first) == 40)

    @func_test
    def loses_no_packet_of_a_client_under_load(self) -> None:
        """Thresholds, allow list and patterns change, and garbage is refused, while a client talks.

        Steps:
            Let a client ask the UDP service all the time; reload again and again with other
            thresholds, another allow list, and now and then a file of garbage.

        Verify:
            Every packet of the client reached the server; each good reload was taken with its
            changes named in the log, each bad one refused; nothing was dropped for a fault.
        """
        client = self.client.fresh_ipv4()
        sender = Sender(self.client, self.testbed.servers)
        with self.client.namespace.entered():  # or its kernel would refuse the answers
            listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind((client, FIRST_PORT + UDP_PORT))
        faults = self.sut.metrics().dropped_by_fault
        asking = threading.Thread(
            target=sender.send,
            args=([udp(client, self.server, UDP_PORT)] * QUESTIONS, QUESTION_PAUSE),
        )
        done = 0
        with Crossing(self.testbed) as crossing:
            asking.start()
            while asking.is_alive():
                self._reload_three_ways(done)
                done += 1
            asking.join()
            wait_for("every question", lambda: crossing.arrived(client) == QUESTIONS)
        sender.close()
        listener.close()
        self.verify(done >= 3, f"only {done} rounds of reloads while the client talked")
        self.verify_equal(self.sut.metrics().dropped_by_fault, faults, "drops for a fault")
        said = [event["event"]["reason"] for event in self.sut.events("appliance")]
        named = [text for text in said if "detect.window" in text and "allow.networks" in text]
        self.verify(len(named) >= done, f"{len(named)} of {done} reloads name what changed: {said}")

    def _reload_three_ways(self, turn: int) -> None:
        self.sut.write_config({
            "detect": {"window": f"{1 + turn % 20}h"},
            "allow": {"networks": [f"192.0.2.{turn % 250}"]},
        })
        answer = self.sut.ask("reload")
        self.verify(answer["ok"], f"a good file was refused: {answer}")
        text = self.sut.config.read_bytes()
        self.sut.config.write_bytes(b"\xff\x00 = garbage\n" * 50)
        self.verify(not self.sut.ask("reload")["ok"], "garbage was taken")
        self.sut.config.write_bytes(text)

    @func_test
    def takes_new_thresholds_on_sighup(self) -> None:
        """SIGHUP reads the file again.

        Steps:
            Raise every threshold, send SIGHUP, and scan twenty closed ports.

        Verify:
            The reload is counted and the scan, now below the thresholds, is left alone.
        """
        before = self.reloads("success")
        # Odds that differ so little take 51 failures.
        odds = {"false_positive": 1e-9, "benign_success": 0.6, "scanner_success": 0.4}
        counts = {"vertical_ports": 64, "horizontal_targets": 64, "abnormal": 64}
        self.sut.write_config({"detect": odds | counts})
        os.kill(self.sut.pid, signal.SIGHUP)
        wait_for("the reload", lambda: self.reloads("success") > before)
        source = self.attacker.fresh_ipv4()
        with Crossing(self.testbed) as crossing:
            self.sender.send(port_scan(source, self.server, range(1000, 1020)), 0.01)
            wait_for("all probes", lambda: crossing.arrived(source) == 20)
        self.verify_equal(self.sut.events("source-blocked", source), [], "blocks")
