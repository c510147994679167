#include "report/responder.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <exception>
#include <thread>
#include <utility>

#include "base/check.h"

namespace edgesentry::report {

Responder::Responder(Settings settings)
    : settings_(std::move(settings)),
      threads_(tbb::global_control::max_allowed_parallelism,
               settings_.concurrent_max + std::thread::hardware_concurrency()),
      arena_(static_cast<int>(settings_.concurrent_max), 0),
      give_up_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  EDGESENTRY_CHECK(give_up_fd_ >= 0, "the limit of open files leaves room for an eventfd at start");
  queue_.set_capacity(settings_.queue_max);
}

Responder::~Responder() {
  stop(std::chrono::milliseconds(0));
  ::close(give_up_fd_);
}

bool Responder::offer(const Event& event) noexcept {
  const bool is_new_block = event.action == Action::source_blocked && !event.block_failed &&
                            !event.already_blocked && !event.ignored;
  if (settings_.command.empty() || !is_new_block) return true;
  // Queued before it is seen by a runner, so that the gauge never goes below zero.
  numbers_.queued.fetch_add(1, std::memory_order_relaxed);
  bool taken = false;
  try {
    taken = queue_.try_push(values_of(event));
  } catch (const std::exception&) {
    taken = false;  // no memory for it: as good as a full queue
  }
  if (taken) {
    start_runner();
  } else {
    numbers_.queued.fetch_sub(1, std::memory_order_relaxed);
    numbers_.refused.fetch_add(1, std::memory_order_relaxed);
  }
  return taken;
}

void Responder::start_runner() noexcept {
  if (!claim_runner()) return;
  try {
    arena_.enqueue(group_.defer([this] { work_off(); }));
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    --runners_;  // no memory for a task: what is queued waits for the next offer
  }
}

bool Responder::claim_runner() noexcept {
  const std::lock_guard lock(mutex_);
  if (stopped_ || runners_ >= settings_.concurrent_max) return false;
  ++runners_;
  return true;
}

void Responder::work_off() {
  for (;;) {
    CommandValues values;
    while (!giving_up_.load(std::memory_order_acquire) && queue_.try_pop(values)) {
      numbers_.queued.fetch_sub(1, std::memory_order_relaxed);
      numbers_.running.fetch_add(1, std::memory_order_relaxed);
      run(values);
      numbers_.running.fetch_sub(1, std::memory_order_relaxed);
    }
    const std::lock_guard lock(mutex_);
    // Asked again under the lock: an offer that found every runner taken relies on this look.
    if (!queue_.empty() && !giving_up_.load(std::memory_order_acquire)) continue;
    --runners_;
    idle_.notify_all();
    return;
  }
}

void Responder::run(const CommandValues& values) {
  const Arguments arguments = fill_in(settings_.command, values);
  const base::Result<ChildEnd> end = settings_.run
                                         ? settings_.run(values, give_up_fd_)
                                         : run_child(arguments, settings_.deadline, give_up_fd_);
  std::string trouble;
  if (!end.ok()) {
    numbers_.failed.fetch_add(1, std::memory_order_relaxed);
    trouble = end.error().text;
  } else if (end.value() == ChildEnd::succeeded) {
    numbers_.succeeded.fetch_add(1, std::memory_order_relaxed);
  } else if (end.value() == ChildEnd::failed) {
    numbers_.failed.fetch_add(1, std::memory_order_relaxed);
    trouble = fmt::format("command {}: ended with an error", fmt::join(arguments, " "));
  } else {
    numbers_.timed_out.fetch_add(1, std::memory_order_relaxed);
    trouble = fmt::format("command {}: was killed after {} ms", fmt::join(arguments, " "),
                          settings_.deadline.count());
  }
  if (trouble.empty()) return;
  const std::lock_guard lock(mutex_);
  last_trouble_ = std::move(trouble);
}

std::string Responder::last_trouble() const {
  const std::lock_guard lock(mutex_);
  return last_trouble_;
}

void Responder::stop(std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  if (stopped_) return;
  stopped_ = true;
  const auto is_idle = [this] { return runners_ == 0; };
  if (!idle_.wait_for(lock, deadline, is_idle)) {
    giving_up_.store(true, std::memory_order_release);
    ::eventfd_write(give_up_fd_, 1);
    idle_.wait(lock, is_idle);  // each runner now kills its child: this ends
  }
  lock.unlock();
  arena_.execute([this] { group_.wait(); });  // the last steps of tasks that are no longer counted
  CommandValues forgotten;
  while (queue_.try_pop(forgotten)) {
    numbers_.queued.fetch_sub(1, std::memory_order_relaxed);
    numbers_.refused.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace edgesentry::report
