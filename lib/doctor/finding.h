// One thing that `edgesentry doctor` looked at, for people: what it found, why it matters and the
// command that mends it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace edgesentry::doctor {

enum class Status : std::uint8_t {
  ok,
  unknown,  // it could not be looked at
  warn,     // it works, but worse than it could
  fail,     // the appliance will not start, or will see nothing
};
inline constexpr std::array<std::string_view, 4> kStatusNames = {"ok", "unknown", "warn", "fail"};

[[nodiscard]] constexpr std::string_view name_of(Status status) noexcept {
  return kStatusNames[static_cast<std::size_t>(status)];
}

struct Finding {
  std::string_view area;  // "hugepages", "cores", ...: a literal
  std::string check;      // unique within its area
  Status status = Status::ok;
  std::string found;
  std::string why = {};  // empty where nothing is to be done
  std::string fix = {};  // a command, or what to write; empty where there is none
};
using Findings = std::vector<Finding>;

}  // namespace edgesentry::doctor
