#include "store/event_keeper.h"

#include <fmt/core.h>

#include <utility>

namespace edgesentry::store {

namespace {

// Nobody waits for an event to be on disk: a few commits a second do.
constexpr std::chrono::milliseconds kCompany{250};
constexpr std::chrono::seconds kRetry{1};
constexpr std::chrono::minutes kPrune{1};
constexpr std::chrono::milliseconds kPruneOn{100};  // while there is more to delete

std::int64_t wall_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

EventKeeper::EventKeeper(EventKeeperSettings settings, Say say)
    : settings_(std::move(settings)), say_(std::move(say)) {
  OpenedEvents opened = EventStore::open(settings_.path);
  for (const std::string& note : opened.notes) say_(note);
  store_ = std::move(opened.store);
  if (store_ == nullptr) {
    numbers_.degraded.set(1);
    numbers_.failures.add(1);
    trouble_ = opened.notes.empty() ? settings_.path + " cannot be used" : opened.notes.back();
  }
  thread_ = std::thread([this] { run(); });
}

EventKeeper::~EventKeeper() {
  stop();
}

void EventKeeper::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  bell_.notify_one();
  thread_.join();
}

bool EventKeeper::put(EventRecord&& event) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= settings_.waiting_max) {
      numbers_.lost.add(1);
      return false;
    }
    waiting_.push_back(std::move(event));
  }
  bell_.notify_one();
  return true;
}

bool EventKeeper::ask(EventQuery query, Answer answer) {
  {
    const std::lock_guard lock(mutex_);
    if (questions_.size() >= kQuestionsMax || is_ending_) return false;
    questions_.push_back({std::move(query), std::move(answer)});
  }
  bell_.notify_one();
  return true;
}

std::size_t EventKeeper::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

std::string EventKeeper::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void EventKeeper::run() {
  bool is_ending = false;
  while (!is_ending) {
    std::vector<EventRecord> events;
    std::vector<Question> questions;
    {
      std::unique_lock lock(mutex_);
      const auto called = [this] { return is_ending_ || !questions_.empty(); };
      if (numbers_.degraded.value() == 0)
        bell_.wait_for(lock, kRetry, [&] { return called() || !waiting_.empty(); });
      bell_.wait_for(lock, kCompany, called);
      is_ending = is_ending_;
      if (store_ != nullptr || Clock::now() >= retry_at_ || is_ending) events.swap(waiting_);
      questions.swap(questions_);
    }
    if (!events.empty()) write(events);
    reply(questions);
    prune_sometimes();
  }
  const std::lock_guard lock(mutex_);
  numbers_.lost.add(waiting_.size());
  if (store_ != nullptr) static_cast<void>(store_->settle());
}

bool EventKeeper::open_again() {
  if (store_ != nullptr) return true;
  OpenedEvents opened = EventStore::open(settings_.path);
  store_ = std::move(opened.store);
  if (store_ == nullptr)
    give_up(opened.notes.empty() ? settings_.path : opened.notes.back(), true);
  else
    for (const std::string& note : opened.notes) say_(note);
  return store_ != nullptr;
}

void EventKeeper::write(std::vector<EventRecord>& events) {
  if (Clock::now() >= retry_at_ && open_again()) {
    const base::Status written = store_->write(events);
    if (written) {
      numbers_.written.add(events.size());
      recover();
      return;
    }
    give_up(written.error().text, store_->last_fault() == Fault::broken);
  }
  // Back to the front of those that came meanwhile; the newest of what does not fit are lost.
  const std::lock_guard lock(mutex_);
  events.insert(events.end(), std::make_move_iterator(waiting_.begin()),
                std::make_move_iterator(waiting_.end()));
  waiting_.swap(events);
  if (waiting_.size() <= settings_.waiting_max) return;
  numbers_.lost.add(waiting_.size() - settings_.waiting_max);
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(settings_.waiting_max),
                 waiting_.end());
}

void EventKeeper::reply(std::vector<Question>& questions) {
  for (Question& question : questions) {
    EventPage page;
    if (store_ == nullptr) {
      page.trouble = trouble();
    } else {
      auto read = store_->read(question.query);
      if (read)
        page = std::move(read).value();
      else
        page.trouble = read.error().text;
    }
    question.answer(std::move(page));
  }
}

void EventKeeper::prune_sometimes() {
  if (store_ == nullptr || Clock::now() < prune_at_) return;
  const std::int64_t before =
      wall_now() -
      std::chrono::duration_cast<std::chrono::microseconds>(settings_.keep_for).count();
  const auto more = store_->prune(before, settings_.bytes_max);
  if (more)
    recover();
  else
    give_up(more.error().text, store_->last_fault() == Fault::broken);
  prune_at_ = Clock::now() + (more && more.value() ? Clock::duration(kPruneOn) : kPrune);
  if (store_ == nullptr) return;
  if (const auto bytes = store_->bytes()) numbers_.bytes.set(bytes.value());
}

void EventKeeper::give_up(const std::string& why, bool is_broken) {
  numbers_.failures.add(1);
  retry_at_ = Clock::now() + kRetry;
  if (is_broken) store_.reset();  // open_again() moves it aside
  numbers_.degraded.set(1);
  const std::lock_guard lock(mutex_);
  trouble_ = why;
}

void EventKeeper::recover() {
  if (numbers_.degraded.value() == 0) return;
  numbers_.degraded.set(0);
  const std::lock_guard lock(mutex_);
  trouble_.clear();
}

}  // namespace edgesentry::store
