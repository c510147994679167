// What the contacts of a suspect say, in the terms of the rules that move them on. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

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

[[nodiscard]] inline bool is_open(const Contact& contact) noexcept {
  return contact.outcome == Outcome::pending || contact.outcome == Outcome::silent ||
         contact.outcome == Outcome::held || contact.outcome == Outcome::in_vain;
}

[[nodiscard]] inline bool talks_with(const Suspect& suspect, std::uint32_t target) noexcept {
  const auto all = std::span(suspect.contacts).first(suspect.contact_count);
  return std::any_of(all.begin(), all.end(), [&](const Contact& contact) {
    return contact.target == target &&
           (contact.outcome == Outcome::answered || contact.outcome == Outcome::completed);
  });
}

}  // namespace edgesentry::scan
