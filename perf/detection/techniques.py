"""Which technique identifiers are right for the free text of a manifest.

Rules, applied to the column `technique`:
- Each rule whose words stand in the text adds identifiers; a scanner is named rightly when the
  technique of its first alert is among them.
- Where the text gives a source its own words (".160 SYN, .161 UDP"), those alone count for it.
- What looks the same on the wire counts as the same: a Window scan sends what an ACK scan sends, a
  worm's connect() that nobody answers is a SYN. OS detection is all the packets that it sends.
- Tiny fragments hide the flags, so `fragment` is right for them; an atomic fragment hides nothing.
- Password guessing is right when the shape is brute_force, whatever the technique.
"""

import re

RULES = (
    (r"\bSYN\b(?! ?/ ?ACK)|\bSYNs\b|-sS\b|zmap|masscan(?!.*(UDP|ICMP))|default scripts", "tcp_syn"),
    (r"connect scan|connect\(\)|-sT\b", "tcp_connect"),
    (r"sweeping TCP|version|scripts|-A\b|penetration", "tcp_syn tcp_connect"),
    (r"\bFIN\b|-sF\b", "tcp_fin"),
    (r"\bNULL\b|-sN\b", "tcp_null"),
    (r"\bxmas\b|-sX\b", "tcp_xmas"),
    (r"(?<!SYN/)\bACK\b|\bWindow\b|-s[AW]\b", "tcp_ack"),
    (r"\bMaimon\b|-sM\b", "tcp_maimon"),
    (r"\bUDP\b|-sU\b", "udp"),
    (r"SCTP INIT|-sY\b", "sctp_init"),
    (r"COOKIE-ECHO|-sZ\b", "sctp_cookie_echo"),
    (r"(?<!COOKIE-)\becho\b|ping sweep|ICMP sweep", "icmp_echo"),
    (r"timestamp request|ICMP timestamp", "icmp_timestamp"),
    (r"netmask|address mask", "icmp_netmask"),
    (r"IP protocol|-sO\b", "ip_protocol"),
    (r"\bARP\b", "arp"),
    (r"(?<!atomic )fragments?\b", "fragment"),
    (r"idle scan|-sI\b", "idle tcp_syn"),
    (r"OS detection|-O\b", "tcp_syn tcp_null tcp_xmas tcp_ack tcp_other udp icmp_echo"),
)
# ".160 SYN": the last octet of a source and its words, up to the next comma.
OWN_WORDS = re.compile(r"\.(\d{1,3}) ([A-Za-z][^,;]*)")


def identifiers(text: str) -> set[str]:
    found: set[str] = set()
    for words, names in RULES:
        if re.search(words, text, re.IGNORECASE):
            found.update(names.split())
    return found


def accepted(text: str, source: str) -> set[str]:
    """What a source of a capture with this text may be called; empty: the text says nothing."""
    for octet, words in OWN_WORDS.findall(text):
        if source.endswith("." + octet) and identifiers(words):
            return identifiers(words)
    return identifiers(text)


def is_right(capture, source: str, technique: str, shape: str) -> bool | None:
    """None where the manifest says nothing that could be compared."""
    if capture.expected == "brute":
        return shape == "brute_force"
    wanted = accepted(capture.technique, source)
    return technique in wanted if wanted else None
