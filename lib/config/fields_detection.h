// Keys of what is protected and what counts as a scan. Private to config; fields.cc puts the
// parts together.
#pragma once

#include "config/field_slots.h"

namespace edgesentry::config {

// As many as four SYNs of 60 bytes pay for (lib/verify/responder.h): a client that wants to read it
// has waited seven seconds then.
inline constexpr std::int64_t kBannerMax = 180;
inline constexpr std::array<std::string_view, 3> kVerifyModes = {"off", "passive", "challenge"};
inline constexpr std::array<std::string_view, 4> kNeededProofs = {"automatic", "none", "answer",
                                                                  "handshake"};
// Refused logins that a record holds (scan/logins.h).
inline constexpr std::int64_t kLogins = 24;

inline constexpr std::array kDetectionFields = {
    Field{
        .key = "detect.watched_tcp",
        .slot = &in<&Config::detect, &Detect::watched_tcp>,
        .help =
            "TCP ports that nobody has a reason to touch (PortSentry's TCP_PORTS); empty: no trap.",
        .example = R"("1,11,15,79,31337")"},
    Field{.key = "detect.watched_udp",
          .slot = &in<&Config::detect, &Detect::watched_udp>,
          .help = "The same for UDP (UDP_PORTS).",
          .example = R"("1,7,9,31335")"},
    Field{.key = "detect.scan_trigger",
          .slot = &in<&Config::detect, &Detect::scan_trigger>,
          .unit = "touches",
          .range = {0, 1000},
          .help = "Touches of watched ports before a source is a scanner (SCAN_TRIGGER); 0 and 1: "
                  "the first.",
          .example = "1"},
    Field{.key = "detect.abnormal",
          .slot = &in<&Config::detect, &Detect::abnormal>,
          .unit = "probes",
          .range = {1, kContacts},
          .help = "Distinct places probed with flags that no TCP sends (NULL, FIN, XMAS, ...).",
          .example = "3"},
    Field{
        .key = "detect.false_positive",
        .slot = &in<&Config::detect, &Detect::false_positive>,
        .range = {1, kBillion / 2},
        .help = "Wanted probability that an innocent source is taken for a scanner, for each test.",
        .example = "1e-4"},
    Field{.key = "detect.detection",
          .slot = &in<&Config::detect, &Detect::detection>,
          .range = {kBillion / 2, kBillion - 1},
          .help = "Wanted probability that a scanner is taken for one.",
          .example = "0.99"},
    Field{.key = "detect.benign_success",
          .slot = &in<&Config::detect, &Detect::benign_success>,
          .range = {1, kBillion - 1},
          .help = "Share of attempts that succeed, of innocent sources.",
          .example = "0.8"},
    Field{.key = "detect.scanner_success",
          .slot = &in<&Config::detect, &Detect::scanner_success>,
          .range = {1, kBillion - 1},
          .help = "Share of attempts that succeed, of scanners.",
          .example = "0.2"},
    Field{.key = "detect.vertical_ports",
          .slot = &in<&Config::detect, &Detect::vertical_ports>,
          .unit = "ports",
          .range = {2, kContacts},
          .help = "Distinct unanswered ports of one target.",
          .example = "15"},
    Field{.key = "detect.horizontal_targets",
          .slot = &in<&Config::detect, &Detect::horizontal_targets>,
          .unit = "targets",
          .range = {2, kContacts},
          .help = "Distinct targets tried on one port.",
          .example = "15"},
    Field{.key = "detect.window",
          .slot = &in<&Config::detect, &Detect::window>,
          .range = {kSecond, 7 * kDay},
          .help = "Evidence older than this no longer counts.",
          .example = R"("1h")"},
    Field{.key = "detect.answer_timeout",
          .slot = &in<&Config::detect, &Detect::answer_timeout>,
          .range = {100, kMinute},
          .help = "An attempt without an answer for this long has failed.",
          .example = R"("4s")"},
    Field{.key = "detect.login_failures",
          .slot = &in<&Config::detect, &Detect::login_failures>,
          .unit = "logins",
          .range = {2, kLogins},
          .help = "Logins that a service refuses a source within login_window before it is brute "
                  "force; twice as many when all come within 30 seconds.",
          .example = "8"},
    Field{.key = "detect.login_window",
          .slot = &in<&Config::detect, &Detect::login_window>,
          .range = {kSecond, 7 * kDay},
          .help = "Refused logins older than this no longer count.",
          .example = R"("10m")"},
    Field{.key = "payload.enabled",
          .slot = &in<&Config::payload, &Payload::enabled>,
          .restart = true,
          .help = "Look for failed logins, exploits and the names of tools inside packets.",
          .example = "true"},
    Field{
        .key = "payload.patterns",
        .slot = &in<&Config::payload, &Payload::patterns>,
        .range = {0, kPathMax},
        .help =
            "File of patterns, read and tried by each reload; empty: the patterns.toml that comes "
            "with the program. A relative path starts from the folder of this file.",
        .example = R"("/etc/edgesentry/patterns.toml")"},
    Field{.key = "payload.bytes_per_second",
          .slot = &in<&Config::payload, &Payload::bytes_per_second>,
          .unit = "bytes",
          .range = {64 * 1024, UINT32_MAX},
          .restart = true,
          .help = "Budget of each worker: what exceeds it is not looked at, and counted.",
          .example = "33554432"},
    Field{.key = "payload.cache",
          .slot = &in<&Config::payload, &Payload::cache>,
          .range = {0, kPathMax},
          .help =
              "Folder that keeps the compiled patterns for the next start; empty: none. What is "
              "there "
              "is taken only from root or the daemon's own user, and only while nobody else may "
              "write it.",
          .example = R"("/var/cache/edgesentry")"},
    Field{.key = "networks.inside",
          .slot = &in<&Config::networks, &Networks::inside>,
          .help = "Protected networks; empty: any address may be source or target.",
          .example = R"(["192.0.2.0/24", "2001:db8::/32"])"},
    Field{.key = "networks.dark",
          .slot = &in<&Config::networks, &Networks::dark>,
          .help = "Those of the protected addresses where nobody lives: what is tried there has "
                  "failed at once.",
          .example = R"(["192.0.2.128/25"])"},
    Field{.key = "networks.services",
          .slot = &in<&Config::networks, &Networks::services>,
          .range = {0, 256},
          .help = "Services that live: what fails there is an outage, not held against anybody. "
                  "Others are learned from their answers.",
          .example = R"(["192.0.2.10 tcp 80,443", "2001:db8::/64 udp 53"])"},
    Field{.key = "verify.mode",
          .slot = &in<&Config::verify, &Verify::mode>,
          .help = "off: nobody asks whether a source is where its packets say; passive: handshakes "
                  "with protected servers show it; challenge: the appliance also answers probes "
                  "that no live service would have taken (inline only, elsewhere it is passive).",
          .example = R"("passive")",
          .words = kVerifyModes},
    Field{.key = "verify.proof",
          .slot = &in<&Config::verify, &Verify::proof>,
          .help =
              "What a source must have shown before it is blocked; without, it loses only what "
              "it sends to anything but live services. answer: it reset a challenge; handshake: "
              "it completed one; automatic: answer where the appliance challenges, else none.",
          .example = R"("handshake")",
          .words = kNeededProofs},
    Field{.key = "verify.deception_tcp",
          .slot = &in<&Config::verify, &Verify::deception_tcp>,
          .help = "TCP ports on which the appliance completes handshakes in the place of addresses "
                  "and ports where nothing lives.",
          .example = R"("23,2323,3389,5900")"},
    Field{.key = "verify.banner",
          .slot = &in<&Config::verify, &Verify::banner>,
          .range = {0, kBannerMax},
          .help = "Sent on deception ports (PORT_BANNER); empty: none. A client pays for it with "
                  "the bytes of its own: beyond 16 it is let in at its second SYN or later.",
          .example = R"("Go away.")"},
    Field{.key = "verify.tarpit",
          .slot = &in<&Config::verify, &Verify::tarpit>,
          .help = "Deception ports hold a client with a window of zero instead.",
          .example = "true"},
    Field{.key = "verify.replies_per_second",
          .slot = &in<&Config::verify, &Verify::replies_per_second>,
          .unit = "packets",
          .range = {1, 1000},
          .help = "At most this many are sent to one source.",
          .example = "20"},
    Field{.key = "verify.replies_per_second_total",
          .slot = &in<&Config::verify, &Verify::replies_per_second_total>,
          .unit = "packets",
          .range = {1, 10'000'000},
          .help = "At most this many are sent to all of them, shared out evenly among the workers.",
          .example = "100_000"},
};

}  // namespace edgesentry::config
