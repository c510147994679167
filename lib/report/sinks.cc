#include "report/sinks.h"

#include <unistd.h>

#include <utility>

#include "report/append_file.h"
#include "report/json_lines.h"
#include "report/portsentry_line.h"
#include "report/record_sink.h"
#include "report/syslog_socket.h"
#include "report/syslog_text.h"
#include "report/timestamps.h"

namespace edgesentry::report {
namespace {

std::string history_record(const Event& event) {
  std::string line = portsentry_line(event);
  if (line.empty()) return {};
  line += '\n';
  if (const std::string more = more_like_this(event); !more.empty())
    line += history_timestamp(event.time) + ' ' + more + '\n';
  return line;
}

std::unique_ptr<Sink> make_sink(RecordSink::Settings settings,
                                std::unique_ptr<Transport> transport) {
  return std::make_unique<RecordSink>(std::move(settings), std::move(transport));
}

}  // namespace

std::vector<std::unique_ptr<Sink>> make_sinks(const config::Log& log,
                                              const std::string& syslog_path) {
  std::vector<std::unique_ptr<Sink>> sinks;
  const std::uint32_t limit = log.lines_per_second_max;
  if (!log.portsentry_file.empty())
    sinks.push_back(make_sink({"portsentry", limit, history_record},
                              std::make_unique<AppendFile>(log.portsentry_file)));
  if (!log.json_file.empty())
    sinks.push_back(
        make_sink({"json", limit, [](const Event& event) { return to_json_line(event) + '\n'; }},
                  std::make_unique<AppendFile>(log.json_file)));
  if (log.syslog)
    sinks.push_back(
        make_sink({"syslog", limit,
                   [pid = ::getpid()](const Event& event) { return syslog_record(event, pid); }},
                  std::make_unique<SyslogSocket>(syslog_path)));
  return sinks;
}

}  // namespace edgesentry::report
