#include "report/syslog_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "report/portsentry_line.h"
#include "report/timestamps.h"

namespace edgesentry::report {
namespace {

constexpr int kFacilityDaemon = 3;
constexpr int kSeverityNotice = 5;
constexpr std::size_t kLineBytesMax = 960;  // RFC 3164 section 4.1: 1024 with everything in front

// A newline inside a text would forge a second message.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, kLineBytesMax));
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return out;
}

std::string offence_words(const Event& event) {
  return event.offence > 0 ? fmt::format("offence {}", event.offence) : "by an operator";
}

std::string action_line(const Event& event) {
  const std::string host = event.source.to_string();
  if (event.block_failed)
    return fmt::format("attackalert: ERROR: Could not block host {} !!", host);
  switch (event.action) {
    case Action::source_blocked:
      if (event.enforcement != Enforcement::packets)
        return fmt::format("attackalert: Host {} has been reported ({}): {}", host,
                           offence_words(event), event.text);
      return fmt::format("attackalert: Host {} has been blocked for {} seconds ({}): {}", host,
                         event.block_for.count(), offence_words(event), event.text);
    case Action::block_expired:
      return fmt::format("adminalert: Host {} is no longer blocked: its time is over", host);
    case Action::source_unblocked:
      return fmt::format("adminalert: Host {} has been unblocked: {}", host, event.text);
    case Action::appliance:
      return fmt::format("adminalert: {}", event.text);
    default:
      return {};
  }
}

}  // namespace

std::string more_like_this(const Event& event) {
  if (event.stands_for <= 1) return {};
  return fmt::format("adminalert: {} more like this were left out", event.stands_for - 1);
}

std::string syslog_lines(const Event& event) {
  std::string lines;
  for (const std::string& line : {action_line(event), scan_from_text(event)})
    if (!line.empty()) lines += printable(line) + '\n';
  if (!lines.empty() && event.stands_for > 1) lines += more_like_this(event) + '\n';
  return lines;
}

std::string syslog_record(const Event& event, int pid) {
  const std::string front =
      fmt::format("<{}>{} edgesentry[{}]: ", kFacilityDaemon * 8 + kSeverityNotice,
                  syslog_timestamp(event.time), pid);
  const std::string lines = syslog_lines(event);
  std::string record;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = lines.find('\n', at) + 1;
    record += front;
    record.append(lines, at, end - at);
    at = end;
  }
  return record;
}

}  // namespace edgesentry::report
