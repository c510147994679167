// What a worker looks into packets with: the patterns, and its own memory for them. And how a new
// one takes the place of the old while packets flow.
//
// A lens is one worker's. It goes by hand-over, not by reclamation: the publisher offers it, the
// worker takes it and gives the old one back, the publisher frees that. Neither waits; a worker
// that stands still keeps its old lens, and gets the newest when it is round again.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "base/units.h"
#include "scan/tool.h"
#include "signature/matcher.h"

namespace edgesentry::payload {

struct Lens {
  std::unique_ptr<signature::Matcher> matcher;
  std::vector<scan::Tool> tools;          // that patterns name, by their index
  std::vector<std::uint8_t> login_ports;  // who refuses logins there, by port
};

class LensExchange {
 public:
  LensExchange() = default;
  ~LensExchange() {
    collect();
    delete offered_.load(std::memory_order_relaxed);
  }
  LensExchange(const LensExchange&) = delete;
  LensExchange& operator=(const LensExchange&) = delete;

  // --- the publisher's thread ------------------------------------------------------------------
  // What was offered before and not taken is gone.
  void offer(std::unique_ptr<Lens> next) {
    collect();
    // acq_rel: the worker sees a whole lens; what comes back is this thread's own, or nothing.
    delete offered_.exchange(next.release(), std::memory_order_acq_rel);
  }
  void collect() {
    delete returned_.exchange(nullptr, std::memory_order_acquire);  // partner: the store in take()
  }

  // --- the worker's thread ---------------------------------------------------------------------
  // Waits for its next visit while the one before was not collected.
  bool take(std::unique_ptr<Lens>& mine) noexcept {
    // Relaxed: a hint, paid on each visit; the exchange below is what counts.
    if (offered_.load(std::memory_order_relaxed) == nullptr) return false;
    if (returned_.load(std::memory_order_relaxed) != nullptr) return false;
    Lens* const next = offered_.exchange(nullptr, std::memory_order_acquire);
    if (next == nullptr) return false;
    Lens* const old = mine.release();
    mine.reset(next);
    returned_.store(old, std::memory_order_release);  // partner: collect()
    return true;
  }

 private:
  alignas(base::kCacheLine) std::atomic<Lens*> offered_{nullptr};
  std::atomic<Lens*> returned_{nullptr};
};

}  // namespace edgesentry::payload
