// Which program sent the probes, how sure that is, and by which mark it was known. Pure values.
//
// A name is a help to whoever reads the alert; no verdict depends on it, because every mark can be
// forged and most can be avoided. Formulas, versions and sources: docs/detection.md.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "scan/names.h"

namespace edgesentry::scan {

enum class Tool : std::uint8_t {
  none,
  nmap,
  masscan,
  zmap,
  unicornscan,
  hping,
  mirai,
  naabu,
  scapy,
  synscan,
  ipeye,
  myscan,
  // Known by what they say inside their packets (lib/payload).
  hydra,
  medusa,
  zgrab,
  nuclei,
  nikto,
  sqlmap,
  openvas,
  acunetix,
  wpscan,
  gobuster,
  dirbuster,
  ffuf,
  feroxbuster,
  wfuzz,
  httpx,
  sipvicious,
};
inline constexpr std::array<std::string_view, 28> kToolNames = {
    "none",     "nmap",      "masscan", "zmap",        "unicornscan", "hping",    "mirai",
    "naabu",    "scapy",     "synscan", "ipeye",       "myscan",      "hydra",    "medusa",
    "zgrab",    "nuclei",    "nikto",   "sqlmap",      "openvas",     "acunetix", "wpscan",
    "gobuster", "dirbuster", "ffuf",    "feroxbuster", "wfuzz",       "httpx",    "sipvicious"};
static_assert(kToolNames.size() == static_cast<std::size_t>(Tool::sipvicious) + 1);

// low: other programs send such packets too. medium: no ordinary stack was seen to. high: chance
// and ordinary stacks are ruled out; only somebody who means to look like the tool is left.
enum class Confidence : std::uint8_t { none, low, medium, high };
inline constexpr std::array<std::string_view, 4> kConfidenceNames = {"none", "low", "medium",
                                                                     "high"};

// What a tool is known by. Single packets first; from kPairMarks on it takes several.
enum class Mark : std::uint8_t {
  none,
  mirai_sequence,
  zmap_identification,
  zmap_identification_alone,
  zmap_windows_options,
  zmap_unix_options,
  zmap_mss_alone,
  zmap_echo,
  masscan_cookie,
  masscan_cookie_alone,
  masscan_old_syn,
  masscan_new_syn,
  masscan_ipv6_syn,
  masscan_echo,
  masscan_sctp,
  nmap_syn,
  nmap_old_syn,
  nmap_ack,
  nmap_odd_flags,
  nmap_os_syn,
  nmap_os_udp,
  nmap_os_echo,
  nmap_fragment,
  nmap_sctp_init,
  nmap_sctp_cookie_echo,
  nmap_protocol,
  nmap_echo,
  hping_acknowledgement,
  scapy_defaults,
  synscan_identification,
  ipeye_sequence,
  myscan_source_port,
  nmap_one_sequence,  // the first of several packets
  nmap_udp_one_port,
  nmap_udp_one_target,
  masscan_udp_one_port,
  unicornscan_key,
  naabu_counter,
  hping_rising_ports,
  said_so,  // inside its packets; no packet by itself counts for it
};
inline constexpr Mark kPairMarks = Mark::nmap_one_sequence;
inline constexpr std::size_t kMarks = static_cast<std::size_t>(Mark::said_so) + 1;

struct ToolName {
  Tool tool = Tool::none;
  Confidence confidence = Confidence::none;
  Mark mark = Mark::none;
};

// How a mark counts. `once`: with one hit; `often`: with `many` hits. Where chance or an ordinary
// stack makes a hit now and then, a quarter of the probes must carry it (`shares`).
struct MarkMeaning {
  Mark mark;
  Tool tool;
  Confidence once, often;
  std::uint8_t many;
  bool shares;
  std::string_view words;  // completes "known by ..."
};
[[nodiscard]] const MarkMeaning& meaning_of(Mark mark) noexcept;

constexpr std::string_view to_string(Tool t) {
  return name_of(kToolNames, t);
}
constexpr std::string_view to_string(Confidence c) {
  return name_of(kConfidenceNames, c);
}
inline std::string_view words_for(Mark mark) noexcept {
  return meaning_of(mark).words;
}

}  // namespace edgesentry::scan
