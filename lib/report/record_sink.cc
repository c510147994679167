#include "report/record_sink.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"

namespace edgesentry::report {

RecordSink::RecordSink(Settings settings, std::unique_ptr<Transport> transport)
    : settings_(std::move(settings)),
      transport_(std::move(transport)),
      limiter_(settings_.lines_per_second_max) {}

base::Status RecordSink::write(const Event& event) {
  std::string record = settings_.print(event);
  if (record.empty()) return {};
  const SteadyTime now = settings_.now();
  hold_all(limiter_.due(now));
  const LineLimiter::Answer answer = limiter_.ask(event, now);
  if (answer == LineLimiter::Answer::write) hold({std::move(record)}, event.time);
  if (answer == LineLimiter::Answer::coalesced) numbers_.limited.add(1);
  return send_held();
}

base::Status RecordSink::flush() {
  hold_all(limiter_.due(settings_.now()));
  return send_held();
}

base::Status RecordSink::finish() {
  hold_all(limiter_.rest());
  return send_held();
}

void RecordSink::hold_all(const std::vector<Event>& events) {
  for (const Event& event : events) hold({settings_.print(event)}, event.time);
}

void RecordSink::hold(Record record, WallTime time) {
  if (held_bytes_ + record.bytes.size() > kHeldBytesMax) {
    numbers_.failed.add(record.is_event ? 1 : 0);
    lost_ += record.is_event ? 1 : 0;
    lost_time_ = time;
    return;
  }
  held_bytes_ += record.bytes.size();
  held_.push_back(std::move(record));
}

base::Status RecordSink::send_held() {
  base::Status status = send_until_refused();
  numbers_.held.set(held_.size() + limiter_.waiting());
  numbers_.degraded.set(status.ok() ? 0 : 1);
  return status;
}

base::Status RecordSink::send_until_refused() {
  while (!held_.empty()) {
    std::string& record = held_.front().bytes;
    const std::size_t before = record.size();
    base::Status sent = transport_->send(record);
    held_bytes_ -= before - record.size();
    if (!sent.ok()) return sent;
    EDGESENTRY_CHECK(record.empty(), "a transport that succeeds has sent everything");
    numbers_.written.add(held_.front().is_event ? 1 : 0);
    held_.pop_front();
    if (held_.empty()) own_up_to_losses();
  }
  return {};
}

void RecordSink::own_up_to_losses() {
  if (lost_ == 0) return;
  Event event;
  event.time = lost_time_;
  event.text =
      fmt::format("{} events are missing here: {} could not be written to", lost_, settings_.name);
  lost_ = 0;
  std::string record = settings_.print(event);
  if (!record.empty()) hold({std::move(record), false}, event.time);
}

}  // namespace edgesentry::report
