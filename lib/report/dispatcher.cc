#include "report/dispatcher.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

namespace edgesentry::report {
namespace {

constexpr std::size_t kEventsPerRound = 256;
constexpr std::chrono::milliseconds kFlushInterval{500};
constexpr std::size_t kNoSink = std::numeric_limits<std::size_t>::max();

}  // namespace

Dispatcher::Dispatcher(std::vector<std::unique_ptr<Sink>> sinks, std::uint32_t queue_max)
    : sinks_(std::move(sinks)), troubles_(sinks_.size()) {
  queue_.set_capacity(queue_max);
  thread_ = std::thread([this] { run(); });
}

Dispatcher::~Dispatcher() {
  stop(std::chrono::milliseconds(0));
}

bool Dispatcher::offer(Event&& event) noexcept {
  bool taken = false;
  try {
    taken = !stopping_.load(std::memory_order_relaxed) && queue_.try_push(std::move(event));
  } catch (const std::exception&) {
    taken = false;  // no memory for another page of the queue: as good as full
  }
  if (taken)
    bell_.ring();
  else
    refused_.fetch_add(1, std::memory_order_relaxed);
  return taken;
}

void Dispatcher::stop(std::chrono::milliseconds deadline) {
  if (!thread_.joinable()) return;
  deadline_ = std::chrono::steady_clock::now() + deadline;
  stopping_.store(true, std::memory_order_release);  // partner: the acquire in run()
  bell_.ring();
  thread_.join();
  Event abandoned;
  while (queue_.try_pop(abandoned)) refused_.fetch_add(1, std::memory_order_relaxed);
}

std::size_t Dispatcher::queued() const noexcept {
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, queue_.size()));
}

std::vector<std::string> Dispatcher::troubles() const {
  const std::lock_guard lock(troubles_mutex_);
  std::vector<std::string> now;
  for (const std::string& trouble : troubles_)
    if (!trouble.empty()) now.push_back(trouble);
  return now;
}

void Dispatcher::run() {
  auto next_flush = std::chrono::steady_clock::now() + kFlushInterval;
  while (!stopping_.load(std::memory_order_acquire)) {  // partner: the release in stop()
    const std::size_t written = write_some();
    if (const auto now = std::chrono::steady_clock::now(); now >= next_flush) {
      flush_all();
      next_flush = now + kFlushInterval;
    }
    if (written == 0)
      bell_.sleep(kFlushInterval, [this] { return queued() > 0 || stopping_.load(); });
  }
  while (std::chrono::steady_clock::now() < deadline_ && write_some() > 0) {
  }
  finish_all();
}

std::size_t Dispatcher::write_some() {
  Event event;
  std::size_t count = 0;
  while (count < kEventsPerRound && queue_.try_pop(event)) {
    write_to_all(event, kNoSink);
    ++count;
  }
  return count;
}

void Dispatcher::write_to_all(const Event& event, std::size_t except) {
  for (std::size_t i = 0; i < sinks_.size(); ++i)
    if (i != except) note(i, sinks_[i]->write(event));
}

void Dispatcher::note(std::size_t sink, const base::Status& status) {
  std::string trouble = status.ok() ? std::string() : status.error().text;
  const bool was_working = troubles_[sink].empty();  // only this thread writes it
  {
    const std::lock_guard lock(troubles_mutex_);
    troubles_[sink] = trouble;
  }
  // The other sinks are told once, when it starts; this one will say itself what it missed.
  if (trouble.empty() || !was_working) return;
  Event event;
  event.time = std::chrono::system_clock::now();
  event.text = std::move(trouble);
  write_to_all(event, sink);
}

void Dispatcher::flush_all() {
  for (std::size_t i = 0; i < sinks_.size(); ++i) note(i, sinks_[i]->flush());
}

void Dispatcher::finish_all() {
  for (std::size_t i = 0; i < sinks_.size(); ++i) note(i, sinks_[i]->finish());
}

}  // namespace edgesentry::report
