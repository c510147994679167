// A bounded queue between two threads over DPDK's rte_ring (single producer, single consumer).
//
// make_ring() gives the two halves; each can only be moved, so there is one writer and one reader.
// Neither half ever waits: a full ring refuses, and the caller counts it. Works on plain memory,
// without EAL. T is copied by value and its size is a multiple of four bytes (rte_ring_elem).
#pragma once

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/units.h"

namespace edgesentry::base {

namespace detail {
struct RingFree {
  void operator()(rte_ring* ring) const noexcept { std::free(ring); }
};
// Capacity is rounded up to a power of two. The reader and the writer share ownership.
std::shared_ptr<rte_ring> make_rte_ring(std::uint32_t capacity, std::uint32_t element_bytes);

// What rte_ring_count() computes, with atomic loads, so that a third thread may ask. The consumer's
// tail is read first: the producer's can only have grown since, so the difference is never
// negative, and is cut to the capacity where both moved on.
inline std::uint32_t occupancy(const rte_ring& ring) noexcept {
  // acquire: partners are the release stores of both tails in rte_ring's update_tail.
  const std::uint32_t consumed = __atomic_load_n(&ring.cons.tail, __ATOMIC_ACQUIRE);
  const std::uint32_t produced = __atomic_load_n(&ring.prod.tail, __ATOMIC_ACQUIRE);
  return std::min(produced - consumed, ring.capacity);
}

// rte_ring_elem copies T as words of uint32_t, which strict aliasing would let the compiler move
// across the caller's own accesses to T. This costs no instruction, stops that, and hides from g++
// 12 the array size it would warn about in rte_ring's unrolled loops.
template <class Bytes>
Bytes* opaque(Bytes* items) noexcept {
  asm volatile("" : "+r"(items) : : "memory");
  return items;
}
}  // namespace detail

// How full a ring is and how much it holds. A copyable view for metrics; any thread may ask.
class RingGauge {
 public:
  explicit RingGauge(std::shared_ptr<const rte_ring> ring) : ring_(std::move(ring)) {}
  [[nodiscard]] std::uint32_t occupancy() const noexcept { return rte_ring_count(ring_.get()); }
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return rte_ring_get_capacity(ring_.get());
  }

 private:
  std::shared_ptr<const rte_ring> ring_;
};

template <class T>
class RingWriter {
 public:
  RingWriter() = default;
  explicit RingWriter(std::shared_ptr<rte_ring> ring) : ring_(std::move(ring)) {}
  RingWriter(RingWriter&&) noexcept = default;
  RingWriter& operator=(RingWriter&&) noexcept = default;
  RingWriter(const RingWriter&) = delete;
  RingWriter& operator=(const RingWriter&) = delete;

  // False: full; nothing was written.
  [[nodiscard]] bool try_push(const T& item) noexcept {
    return rte_ring_sp_enqueue_bulk_elem(ring_.get(), detail::opaque(&item), sizeof(T), 1,
                                         nullptr) == 1;
  }
  // How many of the items, from the front, found room.
  [[nodiscard]] std::size_t push_some(std::span<const T> items) noexcept {
    return rte_ring_sp_enqueue_burst_elem(ring_.get(), detail::opaque(items.data()), sizeof(T),
                                          static_cast<unsigned>(items.size()), nullptr);
  }
  [[nodiscard]] std::uint32_t occupancy() const noexcept { return detail::occupancy(*ring_); }

 private:
  std::shared_ptr<rte_ring> ring_;
};

template <class T>
class RingReader {
 public:
  RingReader() = default;
  explicit RingReader(std::shared_ptr<rte_ring> ring) : ring_(std::move(ring)) {}
  RingReader(RingReader&&) noexcept = default;
  RingReader& operator=(RingReader&&) noexcept = default;
  RingReader(const RingReader&) = delete;
  RingReader& operator=(const RingReader&) = delete;

  // How many items were read into the front of `into`; 0 when the ring is empty.
  [[nodiscard]] std::size_t pop_some(std::span<T> into) noexcept {
    const unsigned count =
        rte_ring_sc_dequeue_burst_elem(ring_.get(), detail::opaque(into.data()), sizeof(T),
                                       static_cast<unsigned>(into.size()), nullptr);
    detail::opaque(into.data());
    return count;
  }
  // Any thread may ask: how full the ring is now, and how much it holds (for metrics).
  [[nodiscard]] std::uint32_t occupancy() const noexcept { return detail::occupancy(*ring_); }
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return rte_ring_get_capacity(ring_.get());
  }
  [[nodiscard]] RingGauge gauge() const { return RingGauge(ring_); }

 private:
  std::shared_ptr<rte_ring> ring_;
};

template <class T>
struct RingHalves {
  RingWriter<T> writer;
  RingReader<T> reader;
};

template <class T>
RingHalves<T> make_ring(std::uint32_t capacity) {
  static_assert(std::is_trivially_copyable_v<T>, "rings copy bytes between threads");
  static_assert(sizeof(T) % 4 == 0, "rte_ring_elem moves words of four bytes");
  auto ring = detail::make_rte_ring(capacity, sizeof(T));
  return {RingWriter<T>(ring), RingReader<T>(ring)};
}

}  // namespace edgesentry::base
