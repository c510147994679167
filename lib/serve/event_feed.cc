#include "serve/event_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <exception>

#include "control/event_view.h"
#include "serve/http_message.h"

namespace edgesentry::serve {
namespace {

constexpr std::chrono::seconds kSilenceMax{15};  // then a comment, so that a dead client shows

// RUN-NUMBER; false: it is not of this run.
bool number_of(std::string_view id, std::uint64_t run, std::uint64_t& number) {
  const std::string mine = fmt::format("{}-", run);
  if (!id.starts_with(mine)) return false;
  const std::string_view digits = id.substr(mine.size());
  const char* end = digits.data() + digits.size();
  const auto [rest, fault] = std::from_chars(digits.data(), end, number);
  return !digits.empty() && fault == std::errc() && rest == end;
}

}  // namespace

void EventFeed::offer(std::uint64_t number, const report::Event& event) noexcept {
  bool is_taken = false;
  try {
    is_taken = queue_.try_push({number, event});
  } catch (const std::exception&) {
    is_taken = false;  // out of memory counts as a full queue
  }
  if (!is_taken) numbers_.events_missed.fetch_add(1, std::memory_order_relaxed);
}

void EventFeed::place(Stream& stream, std::string_view last_event_id) {
  stream.next = end_;
  stream.rest = ": edgesentry\n\n";
  if (last_event_id.empty()) return;
  std::uint64_t last = 0;
  const bool is_mine = number_of(last_event_id, run_, last) && last < end_;
  stream.next = is_mine ? last + 1 : first();
  if (is_mine && stream.next >= first()) return;
  stream.rest += fmt::format("event: missed\ndata: {{\"after\": \"{}\"}}\n\n",
                             is_mine ? fmt::format("{}-{}", run_, last) : "another run");
  stream.next = first();
}

std::shared_ptr<EventFeed::Stream> EventFeed::open(std::string_view last_event_id) {
  const std::lock_guard lock(mutex_);
  if (is_ended_ || streams_.size() >= streams_max_) return nullptr;
  auto stream = std::make_shared<Stream>();
  place(*stream, last_event_id);
  stream->spoke = std::chrono::steady_clock::now();
  streams_.push_back(stream);
  numbers_.streams.store(streams_.size(), std::memory_order_relaxed);
  return stream;
}

EventFeed::Progress EventFeed::read(Stream& stream, char* out, std::size_t room, std::size_t& size,
                                    const std::function<void()>& sleep) {
  const std::lock_guard lock(mutex_);
  size = 0;
  while (size < room) {
    if (stream.is_over || is_ended_) return size > 0 ? Progress::some : Progress::over;
    if (stream.sent == stream.rest.size()) {
      if (stream.next >= end_) break;
      if (stream.next < first()) {
        stream.is_over = true;
        continue;
      }
      stream.rest = held_[static_cast<std::size_t>(stream.next++ - first())];
      stream.sent = 0;
    }
    const std::size_t part = std::min(room - size, stream.rest.size() - stream.sent);
    stream.rest.copy(out + size, part, stream.sent);
    stream.sent += part;
    size += part;
  }
  if (size > 0) return Progress::some;
  stream.is_asleep = true;
  sleep();
  return Progress::none;
}

void EventFeed::close(Stream& stream) {
  const std::lock_guard lock(mutex_);
  std::erase_if(streams_, [&](const auto& each) { return each.get() == &stream; });
  numbers_.streams.store(streams_.size(), std::memory_order_relaxed);
}

void EventFeed::rouse(Stream& stream) {
  if (!stream.is_asleep) return;
  stream.is_asleep = false;
  stream.wake();
}

void EventFeed::pump(std::chrono::steady_clock::time_point now) {
  std::vector<std::pair<std::uint64_t, std::string>> texts;
  Numbered next;
  for (std::size_t i = 0; i < kHeld / 2 && queue_.try_pop(next); ++i)
    texts.emplace_back(
        next.number,
        fmt::format("id: {}-{}\nevent: {}\ndata: {}\n", run_, next.number,
                    control::event_view(next.number, next.event)["action"].get<std::string>(),
                    to_text(control::event_view(next.number, next.event))));
  const std::lock_guard lock(mutex_);
  for (auto& [number, text] : texts) {
    // A gap (the queue was full) would make numbers and places disagree: begin anew behind it.
    if (number != end_) held_.clear();
    end_ = number + 1;
    held_.push_back(std::move(text));
    if (held_.size() > kHeld) held_.pop_front();
  }
  for (const auto& stream : streams_) {
    if (stream->next < first() && !stream->is_given_up) {
      stream->is_over = stream->is_given_up = true;
      numbers_.streams_dropped.fetch_add(1, std::memory_order_relaxed);
      if (!stream->is_asleep && stream->cut) stream->cut();
    }
    if (stream->next < end_) stream->spoke = now;
    if (now - stream->spoke >= kSilenceMax && stream->is_asleep) {
      stream->rest = ":\n\n";
      stream->sent = 0;
      stream->spoke = now;
      rouse(*stream);
    } else if (stream->next < end_ || stream->is_over) {
      rouse(*stream);
    }
  }
}

void EventFeed::end() {
  const std::lock_guard lock(mutex_);
  is_ended_ = true;
  for (const auto& stream : streams_) rouse(*stream);
}

}  // namespace edgesentry::serve
