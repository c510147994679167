// What the contacts of a suspect say, in the terms of the rules that move them on. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "scan/detection_policy.h"
#include "scan/suspect.h"

namespace edgesentry::scan {

[[nodiscard]] inline bool is_weak(Technique t) noexcept {
  return t == Technique::tcp_ack || t == Technique::tcp_maimon || t == Technique::tcp_syn_ack ||
         t == Technique::idle || t == Technique::sctp_cookie_echo;
}

// UDP and ICMP are silent for many reasons, and so is a host that gets a stray ACK.
[[nodiscard]] inline bool silence_counts(const Contact& contact) noexcept {
  return (contact.port_class == PortClass::tcp || contact.port_class == PortClass::sctp) &&
         !is_weak(contact.technique) && !is_abnormal(contact.technique);
}

[[nodiscard]] inline bool has_failed(const Contact& contact) noexcept {
  return contact.outcome == Outcome::refused || contact.outcome == Outcome::half_open ||
         contact.outcome == Outcome::in_vain || contact.outcome == Outcome::silent;
}

// The sequential test took a step for it.
[[nodiscard]] inline bool is_scored(const Contact& contact) noexcept {
  return has_failed(contact) && (contact.outcome != Outcome::silent || silence_counts(contact));
}

[[nodiscard]] inline bool counts_as_failure(const Contact& contact) noexcept {
  return is_scored(contact) || contact.outcome == Outcome::rebuffed ||
         (has_failed(contact) && contact.port_class == PortClass::udp);
}

[[nodiscard]] inline bool is_watched(const Contact& contact,
                                     const DetectionPolicy& policy) noexcept {
  if (contact.port_class == PortClass::tcp) return policy.watched_tcp.contains(contact.port);
  if (contact.port_class == PortClass::udp) return policy.watched_udp.contains(contact.port);
  return false;
}

[[nodiscard]] inline bool counts_as_touch(const Contact& contact,
                                          const DetectionPolicy& policy) noexcept {
  const bool touched = is_abnormal(contact.technique) ||
                       (has_failed(contact) && contact.outcome != Outcome::half_open);
  return touched && is_watched(contact, policy);
}

[[nodiscard]] constexpr std::uint32_t kind_bit(Technique t) noexcept {
  return 1u << static_cast<unsigned>(t);
}

[[nodiscard]] inline bool is_open(const Contact& contact) noexcept {
  return contact.outcome == Outcome::pending || contact.outcome == Outcome::silent ||
         contact.outcome == Outcome::held || contact.outcome == Outcome::in_vain;
}

// What tells the probes of one contact apart: the source port; of echo requests, which have none,
// whether few hops were left.
[[nodiscard]] inline std::uint16_t source_mark(const wire::Probe& probe) noexcept {
  const bool is_traced = probe.outcome == wire::ParseOutcome::icmp && is_traceroute(probe);
  return is_traced ? kFewHopsLeft : probe.source_port;
}

[[nodiscard]] inline bool is_passed_over(const Contact& contact) noexcept {
  return contact.outcome == Outcome::excused || contact.outcome == Outcome::rebuffed;
}

[[nodiscard]] inline bool talks_with(const Suspect& suspect, std::uint32_t target) noexcept {
  const auto all = std::span(suspect.contacts).first(suspect.contact_count);
  return std::any_of(all.begin(), all.end(), [&](const Contact& contact) {
    return contact.target == target &&
           (contact.outcome == Outcome::answered || contact.outcome == Outcome::completed);
  });
}

// Who gets no answer over QUIC goes on over TCP to the same port of the same host (RFC 9308 section
// 2): where that one talks, a firewall in between drops the datagrams.
[[nodiscard]] inline bool talks_over_tcp_instead(const Suspect& suspect,
                                                 const Contact& silent) noexcept {
  if (silent.port_class != PortClass::udp) return false;
  const auto all = std::span(suspect.contacts).first(suspect.contact_count);
  return std::any_of(all.begin(), all.end(), [&](const Contact& contact) {
    return contact.target == silent.target && contact.port == silent.port &&
           contact.port_class == PortClass::tcp && contact.outcome == Outcome::completed;
  });
}

}  // namespace edgesentry::scan
