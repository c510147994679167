#include "report/timestamps.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <string_view>

namespace edgesentry::report {
namespace {

std::tm local_parts(WallTime time) {
  const std::time_t whole =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  localtime_r(&whole, &parts);
  return parts;
}

template <class Unit>
auto fraction_of_second(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  return std::chrono::duration_cast<Unit>(time - whole).count();
}

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string utc_timestamp(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     fraction_of_second<std::chrono::microseconds>(time));
}

std::string history_timestamp(WallTime time) {
  const std::tm parts = local_parts(time);
  const long offset_minutes = parts.tm_gmtoff / 60;
  const long distance = offset_minutes < 0 ? -offset_minutes : offset_minutes;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}{:02}{:02}", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     fraction_of_second<std::chrono::milliseconds>(time),
                     offset_minutes < 0 ? '-' : '+', distance / 60, distance % 60);
}

std::string syslog_timestamp(WallTime time) {
  const std::tm parts = local_parts(time);
  return fmt::format("{} {:2} {:02}:{:02}:{:02}", kMonths[static_cast<std::size_t>(parts.tm_mon)],
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace edgesentry::report
