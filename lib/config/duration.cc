#include "config/duration.h"

#include <array>
#include <charconv>
#include <limits>

namespace edgesentry::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 6> kUnits = {{{"w", 604'800'000},
                                         {"d", 86'400'000},
                                         {"h", 3'600'000},
                                         {"m", 60'000},
                                         {"s", 1'000},
                                         {"ms", 1}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes the leading number off `text`. False when there is none or it does not fit.
bool take_number(std::string_view& text, std::int64_t& number) {
  if (text.empty() || !is_digit(text.front())) return false;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::string_view take_letters(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && !is_digit(text[length])) ++length;
  const std::string_view letters = text.substr(0, length);
  text.remove_prefix(length);
  return letters;
}

const base::Error kNotADuration{"is not a duration"};

}  // namespace

base::Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  if (text.empty()) return kNotADuration;
  while (!text.empty()) {
    std::int64_t number = 0;
    if (!take_number(text, number)) return kNotADuration;
    const std::string_view name = take_letters(text);
    if (name.empty()) return base::Error{"has no unit"};
    std::size_t unit = next_unit;
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (unit == kUnits.size()) return kNotADuration;
    next_unit = unit + 1;
    const std::int64_t scale = kUnits[unit].milliseconds;
    if (number > (std::numeric_limits<std::int64_t>::max() - total) / scale)
      return base::Error{"is too long to count"};
    total += number * scale;
  }
  return std::chrono::milliseconds{total};
}

std::string format_duration(std::chrono::milliseconds duration) {
  std::int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string text;
  if (rest < 0) {
    text += '-';
    rest = -rest;
  }
  // Weeks are read but not written: "7d" is what people say.
  for (std::size_t i = 1; i < kUnits.size(); ++i) {
    const std::int64_t number = rest / kUnits[i].milliseconds;
    if (number == 0) continue;
    text += std::to_string(number);
    text += kUnits[i].name;
    rest %= kUnits[i].milliseconds;
  }
  return text;
}

base::Result<std::int64_t> parse_count(std::string_view text) {
  std::int64_t number = 0;
  if (!take_number(text, number)) return base::Error{"is not a count"};
  int shift = 0;
  if (text == "k" || text == "K") {
    shift = 10;
  } else if (text == "M") {
    shift = 20;
  } else if (text == "G") {
    shift = 30;
  } else if (!text.empty()) {
    return base::Error{"is not a count"};
  }
  if (number > std::numeric_limits<std::int64_t>::max() >> shift)
    return base::Error{"is too large to count"};
  return number << shift;
}

}  // namespace edgesentry::config
