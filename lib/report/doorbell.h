// Wakes one sleeping thread without ever making the ringer wait: an eventfd that is written to only
// when somebody sleeps. Any thread rings; one thread sleeps.
#pragma once

#include <atomic>
#include <chrono>

namespace edgesentry::report {

class Doorbell {
 public:
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  void ring() noexcept {
    // seq_cst, as its partner in sleep(): either the sleeper sees the work that was queued before
    // this line, or this line sees that it sleeps.
    if (sleeping_.exchange(false, std::memory_order_seq_cst)) write();
  }

  // Until somebody rings or the time is over. Returns at once when `has_work()`.
  template <class HasWork>
  void sleep(std::chrono::milliseconds at_most, HasWork has_work) noexcept {
    sleeping_.store(true, std::memory_order_seq_cst);
    if (!has_work()) wait(at_most);
    sleeping_.store(false, std::memory_order_seq_cst);
  }

 private:
  void write() noexcept;
  void wait(std::chrono::milliseconds at_most) noexcept;

  int fd_;
  std::atomic<bool> sleeping_{false};
};

}  // namespace edgesentry::report
