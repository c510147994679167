// Members of a command's request, checked: each error names the member, shows the value and says
// what to write. Values come from anybody who may open the socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"

namespace edgesentry::control {

// At most 80 characters, printable ASCII: safe in a sentence, a log line and a terminal.
[[nodiscard]] std::string shown(std::string_view text);
[[nodiscard]] std::string shown_value(const nlohmann::json& value);

[[nodiscard]] base::Result<base::Prefix> prefix_member(const nlohmann::json& request,
                                                       std::string_view name);
// One source: a host, or an IPv6 prefix of exactly `ipv6_prefix` bits. Host bits stay.
[[nodiscard]] base::Result<base::Ip> source_member(const nlohmann::json& request,
                                                   std::uint8_t ipv6_prefix);
// "10m", or a number of seconds; 0 when the member is absent.
[[nodiscard]] base::Result<std::chrono::seconds> duration_member(const nlohmann::json& request,
                                                                 std::string_view name);
// Printable text of at most 200 characters; "" when the member is absent.
[[nodiscard]] base::Result<std::string> text_member(const nlohmann::json& request,
                                                    std::string_view name);

struct CountRange {
  std::uint64_t low, high, normal;  // `normal` when the member is absent
};
[[nodiscard]] base::Result<std::uint64_t> count_member(const nlohmann::json& request,
                                                       std::string_view name,
                                                       const CountRange& range);

}  // namespace edgesentry::control
