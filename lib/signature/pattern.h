// One signature: an expression, where in traffic it may stand, and what it says about a source.
//
// Plain values read from the pattern file (pattern_file.h); immutable once a Database holds them,
// then any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/port_set.h"

namespace edgesentry::signature {

enum class Transport : std::uint8_t { tcp, udp, any };
inline constexpr std::array<std::string_view, 3> kTransportNames = {"tcp", "udp", "any"};

// Who sent the payload: the outside source, or the protected host that answers it.
enum class Side : std::uint8_t { client, server };
inline constexpr std::array<std::string_view, 2> kSideNames = {"client", "server"};

enum class Kind : std::uint8_t {
  scanner,        // a scanning tool names itself
  exploit,        // a probe for a known hole
  login_failed,   // a server refuses a login
  login_attempt,  // a client offers a login
  login_ok,       // a server takes a login
};
inline constexpr std::size_t kKinds = 5;
inline constexpr std::array<std::string_view, kKinds> kKindNames = {
    "scanner", "exploit", "login-failed", "login-attempt", "login-ok"};

// The same words as the severities of scans.
enum class Severity : std::uint8_t { info, low, medium, high, critical };
inline constexpr std::array<std::string_view, 5> kSeverityNames = {"info", "low", "medium", "high",
                                                                   "critical"};

constexpr std::string_view to_string(Kind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}
constexpr bool is_login(Kind kind) {
  return kind == Kind::login_failed || kind == Kind::login_attempt || kind == Kind::login_ok;
}

namespace expression_flag {
inline constexpr std::uint8_t kCaseless = 0x01;   // letters in either case
inline constexpr std::uint8_t kDotAll = 0x02;     // "." is any byte, newlines too
inline constexpr std::uint8_t kMultiLine = 0x04;  // "^" also stands behind each newline
}  // namespace expression_flag

struct Pattern {
  std::string id;
  std::string expression;  // Hyperscan's subset of PCRE
  std::uint8_t flags = 0;  // expression_flag:: bits
  Transport transport = Transport::tcp;
  Side side = Side::client;
  Kind kind = Kind::scanner;
  Severity severity = Severity::low;
  bool any_port = true;
  base::PortSet ports;  // of the protected host; meaningful unless any_port
  std::string tool;     // as scans name tools; empty: names none
  std::string service;  // "ssh", "ftp"; of logins
  std::string description;
  std::vector<std::string> matches;  // payloads that it must find
  std::vector<std::string> spares;   // near misses that it must leave alone
  unsigned line = 0;                 // of [[pattern]] in the file

  [[nodiscard]] bool takes(std::uint16_t port) const noexcept {
    return any_port || ports.contains(port);
  }
};

}  // namespace edgesentry::signature
