"""The control socket: useful to the operator, and indifferent to nonsense."""

import contextlib
import json
import secrets
import stat

from framework.control import ControlClient
from framework.errors import LabError
from framework.test_suite import TestSuite, func_test
from framework.tools import fetches
from framework.traffic import port_scan
from framework.waiting import wait_for

MANY = 200
QUESTION = b'{"command":"status"}\n'


class TestControlSocket(TestSuite):
    """Commands, rubbish, clients that do not read, and many clients."""

    def verify_alive(self) -> None:
        """Verify that commands, metrics and packets still work."""
        self.verify(self.sut.ask("status").get("ok"), "status is not answered")
        self.verify(self.sut.metrics().received > 0, "no metrics")
        self.verify(fetches(self.client, self.client.ipv4[0], self.server), "nothing is forwarded")

    @func_test
    def is_closed_to_others(self) -> None:
        """Only the owner may use the socket.

        Steps:
            Look at the permissions of the socket file.

        Verify:
            Nobody but the owner has any.
        """
        mode = stat.S_IMODE(self.sut.control_socket.stat().st_mode)
        self.verify_equal(oct(mode & 0o077), "0o0", "permissions of group and others")

    @func_test
    def blocks_and_unblocks_by_command(self) -> None:
        """An operator's word counts at once.

        Steps:
            block an address, list blocked, unblock it.

        Verify:
            The address is shut out in between and served before and after.
        """
        source = self.attacker.fresh_ipv4()
        self.verify(fetches(self.attacker, source, self.server), "no page before")
        answer = self.sut.ask("block", address=source, **{"for": "10m", "reason": "a test"})
        self.verify(answer.get("ok"), f"block: {answer}")
        self.verify(source in str(self.sut.ask("blocked")), "not in the list of the blocked")
        self.verify(not fetches(self.attacker, source, self.server, 1.5), "blocked, but served")
        answer = self.sut.ask("unblock", address=source)
        self.verify(answer.get("ok"), f"unblock: {answer}")
        wait_for("the page", lambda: fetches(self.attacker, source, self.server, 1))

    @func_test
    def explains_a_block(self) -> None:
        """explain tells why an address is blocked.

        Steps:
            Scan until blocked, then ask explain over the socket and with the command line.

        Verify:
            Both name the source and its technique.
        """
        source = self.attacker.fresh_ipv4()
        self.sender.send(port_scan(source, self.server, range(1000, 1040)), 0.01)
        self.sut.wait_event("source-blocked", source)
        answer = self.sut.ask("explain", address=source)
        self.verify("tcp_syn" in str(answer), f"no technique in {answer}")
        said = self.sut.edgesentry("explain", source)
        self.verify(source in said and "tcp_syn" in said, f"the command line says {said!r}")

    @func_test
    def answers_rubbish_with_a_sentence(self) -> None:
        """Every line that is not a request gets an error, and the next request still works.

        Steps:
            Send broken JSON, other JSON, an unknown command, wrong arguments and bytes.

        Verify:
            Each is answered with ok false and a sentence, on the same connection.
        """
        rubbish = [
            b"{", b"[]", b"null", b"42", b'"status"', b"{}", b'{"command":7}',
            b'{"command":"fly"}', b'{"command":"block"}', b'{"command":"block","address":"x"}',
            b'{"command":"block","address":"192.0.2.1","for":"soon"}', b"\x00\xff\xfe", b"[" * 5000,
        ]
        client = ControlClient(self.sut.control_socket)
        for line in rubbish:
            client.send_raw(line + b"\n")
            answer = json.loads(client.read_line() or b"{}")
            self.verify(answer.get("ok") is False, f"{line[:40]!r} was answered with {answer}")
            self.verify(answer.get("error"), f"{line[:40]!r} got no sentence: {answer}")
        self.verify(client.ask("status").get("ok"), "the connection is spoilt")
        client.close()

    @func_test
    def bounds_an_endless_line(self) -> None:
        """A line without an end is cut off, not collected.

        Steps:
            Send sixteen megabytes without a newline, then ask on a new connection.

        Verify:
            The appliance still answers.
        """
        client = ControlClient(self.sut.control_socket)
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(256):
                client.send_raw(secrets.token_hex(32768).encode())
        client.close()
        self.verify_alive()

    @func_test
    def survives_a_client_that_stops_reading(self) -> None:
        """Answers nobody reads cost nobody else anything.

        Steps:
            Ask many times without reading until the socket takes no more, and keep it open.

        Verify:
            Other clients, metrics and packets go on meanwhile.
        """
        deaf = ControlClient(self.sut.control_socket)
        with contextlib.suppress(ConnectionError):
            for _ in range(20000):
                if deaf.send_unread(QUESTION) == 0:
                    break
        self.verify_alive()
        deaf.close()

    @func_test
    def survives_many_connections(self) -> None:
        """More clients than it has room for are turned away politely.

        Steps:
            Open 200 connections and leave them open, then close them.

        Verify:
            Packets go on meanwhile; afterwards a new client is served.
        """
        clients = []
        for _ in range(MANY):
            with contextlib.suppress(LabError):
                clients.append(ControlClient(self.sut.control_socket))
        self.verify(fetches(self.client, self.client.ipv4[0], self.server), "nothing is forwarded")
        self.verify(self.sut.is_running, "the appliance is gone")
        for client in clients:
            client.close()
        wait_for("an answer", self.answers_again)
        self.verify_alive()

    def answers_again(self) -> bool:
        """Tell whether status is answered."""
        try:
            return bool(self.sut.ask("status").get("ok"))
        except LabError:
            return False
