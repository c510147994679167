// The words of a scenario's packet lines: times, numbers, addresses, flags, and {sweeps} of values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "base/units.h"

namespace edgesentry::test {

using Words = std::vector<std::string>;

inline constexpr std::size_t kPacketsMax = 100'000;  // of one line

struct Endpoint {
  base::Ip ip;
  std::uint16_t port = 0;
};

// "250us", "10ms", "1.5s", "2m", or seconds without a unit.
base::Result<base::Micros> parse_time(const std::string& text);
std::optional<std::uint64_t> parse_number(std::string_view text);
// "10.0.0.1:80", "[2001:db8::1]:80", or an address alone.
std::optional<Endpoint> parse_endpoint(std::string_view text);
// Letters of FSRPAUEC in any order; "-" is none.
std::optional<std::uint8_t> parse_flags(std::string_view letters);
// The values of a word with {a-b} or {a,b,c} in it; one value where there is none.
std::vector<std::string> values_of(const std::string& word);

}  // namespace edgesentry::test
