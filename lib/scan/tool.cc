#include "scan/tool.h"

#include <algorithm>

namespace edgesentry::scan {

namespace {

constexpr auto kNone = Confidence::none, kLow = Confidence::low, kMedium = Confidence::medium,
               kHigh = Confidence::high;

// In the order of Mark. Chances and rates stand in docs/detection.md.
constexpr std::array<MarkMeaning, kMarks> kMeanings = {{
    {Mark::none, Tool::none, kNone, kNone, 1, false, "nothing"},
    {Mark::mirai_sequence, Tool::mirai, kHigh, kHigh, 2, false,
     "a SYN without options whose sequence number is the target's address"},
    {Mark::zmap_identification, Tool::zmap, kMedium, kHigh, 2, false,
     "a SYN with IP identification 54321 and window 65535 that may be fragmented (up to 4.0)"},
    {Mark::zmap_identification_alone, Tool::zmap, kNone, kMedium, 3, true,
     "IP identification 54321 in probe after probe (up to 4.0)"},
    {Mark::zmap_windows_options, Tool::zmap, kMedium, kHigh, 2, false,
     "SYN options in the order of Windows with a TTL that Windows does not use, window 65535 (from "
     "4.1)"},
    {Mark::zmap_unix_options, Tool::zmap, kLow, kMedium, 3, true,
     "SYN options of Linux or BSD with window 65535 and leave to fragment (from 4.1)"},
    {Mark::zmap_mss_alone, Tool::zmap, kNone, kLow, 3, true,
     "a SYN with window 65535 and no option but MSS 1460 (from 4.1)"},
    {Mark::zmap_echo, Tool::zmap, kNone, kLow, 3, true,
     "echo requests with 20 bytes of data (from 4.1)"},
    {Mark::masscan_cookie, Tool::masscan, kHigh, kHigh, 2, false,
     "IP identification computed from target, port and sequence number, in a SYN of its shape"},
    {Mark::masscan_cookie_alone, Tool::masscan, kNone, kMedium, 2, true,
     "IP identification computed from target, port and sequence number"},
    {Mark::masscan_old_syn, Tool::masscan, kLow, kMedium, 3, true,
     "a SYN with window 1024, no options and TTL 255 (up to 1.3.2, or a fork)"},
    {Mark::masscan_new_syn, Tool::masscan, kLow, kMedium, 3, true,
     "a SYN with window 1025, MSS alone and TTL 255 (since 2023-11)"},
    {Mark::masscan_ipv6_syn, Tool::masscan, kLow, kMedium, 3, true,
     "IPv6 SYNs with window 1024 or 1025, hop limit 255, no kernel's options"},
    {Mark::masscan_echo, Tool::masscan, kNone, kMedium, 3, true,
     "echo requests with 48 bytes of data and TTL 255"},
    {Mark::masscan_sctp, Tool::masscan, kNone, kLow, 3, true,
     "SCTP INIT without parameters, TTL 255"},
    {Mark::nmap_syn, Tool::nmap, kLow, kMedium, 3, true,
     "SYNs with window 1024, no option but MSS 1460, and leave to fragment"},
    {Mark::nmap_old_syn, Tool::nmap, kNone, kLow, 3, true,
     "SYNs with window 2048, 3072 or 4096 and no option but MSS 1460 (older nmap)"},
    {Mark::nmap_ack, Tool::nmap, kMedium, kHigh, 3, true,
     "ACK or FIN+ACK with sequence number 0 and window 1024"},
    {Mark::nmap_odd_flags, Tool::nmap, kLow, kMedium, 3, true,
     "FIN, NULL or XMAS with window 1024 and no acknowledgement number"},
    {Mark::nmap_os_syn, Tool::nmap, kHigh, kHigh, 2, false,
     "SYNs of its operating system detection (timestamp ffffffff, or its ECN probe)"},
    {Mark::nmap_os_udp, Tool::nmap, kMedium, kHigh, 2, false,
     "the UDP probe of its operating system detection (300 bytes, identification 4162)"},
    {Mark::nmap_os_echo, Tool::nmap, kHigh, kHigh, 2, false,
     "the echo requests of its operating system detection (code 9, sequence 295)"},
    {Mark::nmap_fragment, Tool::nmap, kLow, kMedium, 3, true,
     "TCP headers cut into fragments of 8 or 16 bytes (-f, --mtu)"},
    {Mark::nmap_sctp_init, Tool::nmap, kLow, kMedium, 3, true, "SCTP INIT without parameters"},
    {Mark::nmap_sctp_cookie_echo, Tool::nmap, kLow, kMedium, 3, true,
     "SCTP COOKIE-ECHO with no cookie, or one too short to be one"},
    {Mark::nmap_protocol, Tool::nmap, kLow, kMedium, 3, true,
     "packets of IP protocol after protocol with nothing inside"},
    {Mark::nmap_echo, Tool::nmap, kNone, kLow, 3, true, "echo requests without data"},
    {Mark::hping_acknowledgement, Tool::hping, kMedium, kHigh, 3, true,
     "an acknowledgement number in packets without ACK, window 512, no options"},
    {Mark::scapy_defaults, Tool::scapy, kMedium, kHigh, 3, true,
     "its defaults: identification 1, sequence number 0, window 8192"},
    {Mark::synscan_identification, Tool::synscan, kMedium, kHigh, 2, false,
     "SYN+FIN with IP identification 39426"},
    {Mark::ipeye_sequence, Tool::ipeye, kHigh, kHigh, 2, false, "sequence number 1958810375"},
    {Mark::myscan_source_port, Tool::myscan, kLow, kMedium, 3, true,
     "SYNs from port 10101 with a TTL above 220"},
    {Mark::nmap_one_sequence, Tool::nmap, kMedium, kHigh, 2, false,
     "one sequence number for many ports or targets"},
    {Mark::nmap_udp_one_port, Tool::nmap, kNone, kLow, 3, true,
     "empty UDP packets from one source port to many ports"},
    {Mark::nmap_udp_one_target, Tool::nmap, kNone, kLow, 2, true,
     "UDP from one source port to many ports of one target, with leave to fragment"},
    {Mark::masscan_udp_one_port, Tool::masscan, kNone, kLow, 3, true,
     "UDP from one source port to many ports, TTL 255"},
    {Mark::unicornscan_key, Tool::unicornscan, kNone, kMedium, 2, true,
     "sequence numbers computed from addresses and ports with one key"},
    {Mark::naabu_counter, Tool::naabu, kLow, kHigh, 3, true,
     "sequence numbers that count, in SYNs with window 1024 and no option but MSS"},
    {Mark::hping_rising_ports, Tool::hping, kNone, kLow, 3, true,
     "window 512 or empty UDP packets, and a source port that rises by one each"},
    {Mark::said_so, Tool::none, kNone, kNone, 1, false, "what it says of itself in its packets"},
}};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kMarks; ++i)
    if (static_cast<std::size_t>(kMeanings[i].mark) != i) return false;
  return true;
}
static_assert(is_in_order());

}  // namespace

const MarkMeaning& meaning_of(Mark mark) noexcept {
  return kMeanings[std::min(static_cast<std::size_t>(mark), kMarks - 1)];
}

}  // namespace edgesentry::scan
