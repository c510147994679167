// Hand-over of an immutable value (policy, allow list) from one publisher to fixed readers over
// DPDK's rte_rcu_qsbr. Readers never wait; the publisher frees an old value only after every reader
// has passed a quiescent state since it was replaced.
//
// Publisher: the control thread. Reader i: worker i. A reader that is about to sleep goes offline
// first, so that it does not hold up reclamation, and takes the value anew when it is back.
#pragma once

#include <rte_rcu_qsbr.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/units.h"

namespace edgesentry::base {

namespace detail {
struct QsbrFree {
  void operator()(rte_rcu_qsbr* qsbr) const noexcept { std::free(qsbr); }
};
std::unique_ptr<rte_rcu_qsbr, QsbrFree> make_qsbr(std::uint32_t readers_max);
}  // namespace detail

template <class T>
class Published {
 public:
  Published(std::uint32_t readers, std::unique_ptr<const T> first)
      : qsbr_(detail::make_qsbr(readers)), current_(first.release()) {}
  ~Published() { delete current_.load(std::memory_order_relaxed); }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  // --- publisher thread only -------------------------------------------------------------------
  void publish(std::unique_ptr<const T> next) {
    // acq_rel: pairs with the acquire in read(); the exchange also takes back the old value.
    const T* old = current_.exchange(next.release(), std::memory_order_acq_rel);
    retired_.push_back({std::unique_ptr<const T>(old), rte_rcu_qsbr_start(qsbr_.get())});
    reclaim();
  }
  // Frees what no reader can still see; returns how many values still wait. Never blocks.
  std::size_t reclaim() {
    while (!retired_.empty() && rte_rcu_qsbr_check(qsbr_.get(), retired_.front().token, false) == 1)
      retired_.pop_front();
    return retired_.size();
  }
  // The value as the publisher itself sees it.
  [[nodiscard]] const T& current() const noexcept {
    return *current_.load(std::memory_order_relaxed);
  }

  // --- reader thread `reader` only -------------------------------------------------------------
  void join(std::uint32_t reader) noexcept {
    rte_rcu_qsbr_thread_register(qsbr_.get(), reader);
    rte_rcu_qsbr_thread_online(qsbr_.get(), reader);
  }
  void leave(std::uint32_t reader) noexcept {
    rte_rcu_qsbr_thread_offline(qsbr_.get(), reader);
    rte_rcu_qsbr_thread_unregister(qsbr_.get(), reader);
  }
  // Valid until this reader's next quiescent() or offline().
  [[nodiscard]] const T& read() const noexcept {
    return *current_.load(std::memory_order_acquire);  // partner: the exchange in publish()
  }
  void quiescent(std::uint32_t reader) noexcept { rte_rcu_qsbr_quiescent(qsbr_.get(), reader); }
  void offline(std::uint32_t reader) noexcept { rte_rcu_qsbr_thread_offline(qsbr_.get(), reader); }
  void online(std::uint32_t reader) noexcept { rte_rcu_qsbr_thread_online(qsbr_.get(), reader); }

 private:
  struct Retired {
    std::unique_ptr<const T> value;
    std::uint64_t token;
  };
  std::unique_ptr<rte_rcu_qsbr, detail::QsbrFree> qsbr_;
  alignas(kCacheLine) std::atomic<const T*> current_;
  alignas(kCacheLine) std::deque<Retired> retired_;  // publisher only
};

}  // namespace edgesentry::base
