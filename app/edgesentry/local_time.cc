#include "local_time.h"

#include <fmt/format.h>

#include <ctime>

namespace edgesentry::cli {
namespace {

std::optional<std::tm> local_parts(std::string_view utc) {
  constexpr std::size_t kToTheSecond = 19;
  if (utc.size() <= kToTheSecond || utc.back() != 'Z') return std::nullopt;
  std::tm parts{};
  const std::string text(utc.substr(0, kToTheSecond));
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  const std::time_t time = ::timegm(&parts);
  std::tm local{};
  if (::localtime_r(&time, &local) == nullptr) return std::nullopt;
  return local;
}

std::string day_of(const std::tm& t) {
  return fmt::format("{:04}-{:02}-{:02}", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
}

std::string clock_of(const std::tm& t) {
  return fmt::format("{:02}:{:02}:{:02}", t.tm_hour, t.tm_min, t.tm_sec);
}

}  // namespace

std::optional<std::string> short_local_time(std::string_view utc) {
  const auto parts = local_parts(utc);
  if (!parts) return std::nullopt;
  const std::time_t now = std::time(nullptr);
  std::tm today{};
  if (::localtime_r(&now, &today) == nullptr || parts->tm_year != today.tm_year)
    return day_of(*parts);
  if (parts->tm_yday == today.tm_yday) return clock_of(*parts);
  return day_of(*parts).substr(5) + ' ' + clock_of(*parts);
}

std::optional<std::string> local_time(std::string_view utc) {
  const auto parts = local_parts(utc);
  if (!parts) return std::nullopt;
  return day_of(*parts) + ' ' + clock_of(*parts);
}

}  // namespace edgesentry::cli
