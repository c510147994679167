// Which packets look like answers, by their ports, flags and size: of services to clients, of
// victims of forged floods, of reflectors. Pure. What it means: docs/detection.md, "What looks like
// an answer".
#pragma once

#include <cstdint>

#include "scan/answer.h"
#include "scan/touch.h"
#include "wire/probe.h"

namespace edgesentry::scan {

// A service answers from its low port to a client's high one.
[[nodiscard]] constexpr bool is_answering(std::uint16_t from, std::uint16_t to) noexcept {
  return from < 1024 && to >= 1024;
}

// Services from port 1024 on that answer forged requests with more than they were asked: those of
// US-CERT alert TA14-017A, and game servers. 1434 SQL Server, 1900 SSDP, 2302 and 7777 games, 3074
// Xbox, 3283 Apple Remote Desktop, 3478 STUN, 3702 WS-Discovery, 5060 SIP, 5093 Sentinel, 5353
// mDNS, 5683 CoAP, 10001 Ubiquiti, 11211 memcached, 27005 to 27030 Steam, 27960 Quake, 30120 FiveM,
// 32414 Plex.
[[nodiscard]] constexpr bool is_port_of_reflectors(std::uint16_t port) noexcept {
  switch (port) {
    case 1434:
    case 1900:
    case 2302:
    case 3074:
    case 3283:
    case 3478:
    case 3702:
    case 5060:
    case 5093:
    case 5353:
    case 5683:
    case 7777:
    case 10001:
    case 11211:
    case 27960:
    case 30120:
    case 32414:
      return true;
    default:
      return port >= 27005 && port <= 27030;
  }
}

// From a reflector's port to a client's: not to the same port, which is how its clients call it and
// who looks for others (SIP scanners).
[[nodiscard]] constexpr bool is_reflecting(std::uint16_t from, std::uint16_t to) noexcept {
  return to >= 1024 && from != to && is_port_of_reflectors(from);
}

// ACK and FIN+ACK: servers have any port below those of clients.
[[nodiscard]] constexpr bool is_serving(std::uint16_t from, std::uint16_t to) noexcept {
  return from < kEphemeral && to >= 1024;
}

// Unasked-for packets of this kind are backscatter or the half of a conversation that was captured,
// not a scan. SYN-ACKs of victims come from any service port. An empty datagram answers nothing: a
// DNS header has 12 bytes, NTP's 48. A COOKIE ECHO comes from who called (RFC 9260 section 5.1).
inline bool has_answering_posture(const wire::Probe& probe, Technique technique) noexcept {
  const std::uint16_t from = probe.source_port, to = probe.target_port;
  switch (technique) {
    case Technique::tcp_syn_ack:
      return from < kEphemeral;
    case Technique::tcp_ack:
    case Technique::tcp_maimon:
      return is_serving(from, to);
    case Technique::udp:
      return probe.payload_bytes != 0 && (is_answering(from, to) || is_reflecting(from, to));
    case Technique::sctp_cookie_echo:
      return false;
    default:
      return is_answering(from, to);
  }
}

// The same of what a refusal answers, of which no more is known than its ports and whether it
// carried an ACK.
inline bool refuses_an_answer(const Answer& answer) noexcept {
  const std::uint16_t from = answer.peer_port, to = answer.port;
  if (answer.port_class == PortClass::tcp && answer.to_ack) return is_serving(from, to);
  return is_answering(from, to) || (answer.port_class == PortClass::udp && is_reflecting(from, to));
}

// A SYN from port 20 to a client's port: RFC 959 section 3.2, the server calls where its client
// said (PORT, EPRT), and a client behind a firewall refuses each.
inline constexpr std::uint16_t kFtp = 21, kFtpData = 20;
inline bool is_fetched_file(const wire::Probe& probe, const Touch& touch) noexcept {
  const bool calls =
      touch.technique == Technique::tcp_syn || touch.technique == Technique::tcp_connect;
  return calls && probe.source_port == kFtpData && probe.target_port >= 1024;
}

// Has the posture of an answer and is small enough for a probe. Scanners choose their source port
// (nmap -g 53), so what the targets refuse of these counts. Not SYN-ACKs, data, and big datagrams:
// victims of forged requests send those, and their targets refuse them as well.
inline bool may_be_a_probe(const wire::Probe& probe, const Touch& touch) noexcept {
  constexpr std::uint16_t kSmall = 64;
  if (touch.port_class == PortClass::udp) return probe.payload_bytes <= kSmall;
  return (touch.technique == Technique::tcp_ack || touch.technique == Technique::tcp_maimon) &&
         probe.payload_bytes == 0;
}

}  // namespace edgesentry::scan
