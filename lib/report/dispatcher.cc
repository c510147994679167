#include "report/dispatcher.h"

#include <fmt/format.h>

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

Dispatcher::Dispatcher(std::vector<std::unique_ptr<Sink>> sinks, std::uint32_t queue_max, Say say)
    : sinks_(std::move(sinks)), troubles_(sinks_.size()), say_(std::move(say)) {
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

std::vector<SinkHealth> Dispatcher::health() const {
  const std::lock_guard lock(troubles_mutex_);
  std::vector<SinkHealth> rows;
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    const SinkNumbers& numbers = sinks_[i]->numbers();
    rows.push_back({.name = std::string(sinks_[i]->name()),
                    .place = std::string(sinks_[i]->place()),
                    .trouble = troubles_[i].sentence,
                    .since = troubles_[i].since,
                    .written = numbers.written.value(),
                    .held = numbers.held.value(),
                    .lost = numbers.failed.value()});
  }
  return rows;
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
    if (i != except) note(i, sinks_[i]->write(event), /*is_whole=*/false);
}

// A single line may find room on a disk that is full: only a flush shows that a sink works again.
void Dispatcher::note(std::size_t sink, const base::Status& status, bool is_whole) {
  if (!status.ok())
    note_failure(sink, status.error().text);
  else if (is_whole && !troubles_[sink].sentence.empty())
    note_recovery(sink);
}

void Dispatcher::note_failure(std::size_t sink, const std::string& sentence) {
  Trouble& trouble = troubles_[sink];
  if (trouble.sentence == sentence) return;
  const bool is_new = trouble.sentence.empty();
  {
    const std::lock_guard lock(troubles_mutex_);
    trouble.sentence = sentence;
    if (is_new) trouble.since = std::chrono::system_clock::now();
  }
  if (!is_new) return;
  trouble.lost_before = sinks_[sink]->numbers().failed.value();
  tell(sink, sentence, "; its lines are held, up to 1 MiB, and tried again twice a second");
}

void Dispatcher::note_recovery(std::size_t sink) {
  Trouble& trouble = troubles_[sink];
  const auto lasted = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now() - trouble.since);
  const std::uint64_t lost = sinks_[sink]->numbers().failed.value() - trouble.lost_before;
  {
    const std::lock_guard lock(troubles_mutex_);
    trouble.sentence.clear();
  }
  tell(sink,
       fmt::format("the {} log {} is written again after {} s; {} events are missing in it",
                   sinks_[sink]->name(), sinks_[sink]->place(), lasted.count(), lost),
       "");
}

// The other sinks are told; the one concerned says itself what it missed.
void Dispatcher::tell(std::size_t about, std::string sentence, std::string_view more) {
  if (say_) say_(fmt::format("{}{}", sentence, more));
  Event event;
  event.time = std::chrono::system_clock::now();
  event.text = std::move(sentence);
  write_to_all(event, about);
}

void Dispatcher::flush_all() {
  for (std::size_t i = 0; i < sinks_.size(); ++i) note(i, sinks_[i]->flush(), /*is_whole=*/true);
}

void Dispatcher::finish_all() {
  for (std::size_t i = 0; i < sinks_.size(); ++i) note(i, sinks_[i]->finish(), /*is_whole=*/true);
  for (const SinkHealth& sink : health())
    if (say_ && sink.held > 0)
      say_(fmt::format("{} events end unwritten: {}", sink.held, sink.trouble));
}

}  // namespace edgesentry::report
