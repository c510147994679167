// How the table of keys says where a value lives, and the bounds that several keys share. Private
// to config.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "config/fields.h"

namespace edgesentry::config {

template <auto Member>
auto& top(Config& config) {
  return config.*Member;
}
template <auto Section, auto Member>
auto& in(Config& config) {
  return config.*Section.*Member;
}

inline constexpr std::int64_t kSecond = 1000;
inline constexpr std::int64_t kMinute = 60 * kSecond;
inline constexpr std::int64_t kHour = 60 * kMinute;
inline constexpr std::int64_t kDay = 24 * kHour;
// Probabilities are counted in billionths.
inline constexpr std::int64_t kBillion = 1'000'000'000;
// Contacts that the record of a suspect holds (scan/suspect.h): no detector counts further.
inline constexpr std::int64_t kContacts = 64;
inline constexpr std::int64_t kPathMax = 4095;  // PATH_MAX without its zero, limits.h of Linux

}  // namespace edgesentry::config
