// A sink made of three parts: a function that prints an event, the limit of lines per second, and a
// transport. Holds what the transport refuses, up to kHeldBytesMax, and says how much was lost when
// the transport works again. Owner: the dispatcher's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "report/line_limiter.h"
#include "report/sink.h"
#include "report/transport.h"

namespace edgesentry::report {

// 1 MiB is some 1,200 JSON lines: six seconds of a full disk at the default limit of 200 a second.
inline constexpr std::size_t kHeldBytesMax = std::size_t{1} << 20;

class RecordSink final : public Sink {
 public:
  struct Settings {
    std::string name;  // as it stands in metrics: "portsentry", "json", "syslog"
    std::uint32_t lines_per_second_max = 200;
    // Whole lines with their newlines; empty: this sink does not print such an event.
    std::function<std::string(const Event&)> print;
    std::function<SteadyTime()> now = [] { return std::chrono::steady_clock::now(); };
  };
  RecordSink(Settings settings, std::unique_ptr<Transport> transport);

  [[nodiscard]] std::string_view name() const noexcept override { return settings_.name; }
  [[nodiscard]] std::string_view place() const noexcept override { return transport_->place(); }
  base::Status write(const Event& event) override;
  base::Status flush() override;
  base::Status finish() override;

 private:
  struct Record {
    std::string bytes;
    bool is_event = true;  // false: this sink's own remark about what it lost
  };
  void hold(Record record, WallTime time);
  void hold_all(const std::vector<Event>& events);
  base::Status send_held();
  base::Status send_until_refused();
  void own_up_to_losses();

  Settings settings_;
  std::unique_ptr<Transport> transport_;
  LineLimiter limiter_;
  std::deque<Record> held_;  // oldest first; the first may be half sent
  std::size_t held_bytes_ = 0;
  std::uint64_t lost_ = 0;  // since it last worked
  WallTime lost_time_{};
};

}  // namespace edgesentry::report
