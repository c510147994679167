// Which slot of a fixed pool belongs to which flow; the least recently used one gives way.
//
// One owner. All memory is taken when it is made; every operation after that is bounded by the
// length of one hash chain, and keys are keyed hashes (flow_key.h), so chains are short however
// flows are chosen.
#pragma once

#include <cstdint>
#include <vector>

namespace edgesentry::signature {

struct FlowKey {
  std::uint64_t value = 0;
  friend bool operator==(FlowKey, FlowKey) = default;
};

class FlowTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::uint32_t kSlotsMax = 1u << 20;

  explicit FlowTable(std::uint32_t slots);

  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(nodes_.size());
  }
  [[nodiscard]] std::uint32_t used() const noexcept { return used_; }

  // As find(), without counting as use.
  [[nodiscard]] bool contains(FlowKey key) const noexcept;
  // The flow's slot, now the most recently used one; kNone when it has none.
  std::uint32_t find(FlowKey key) noexcept;

  struct Claim {
    std::uint32_t slot = kNone;  // kNone only for a table without slots
    bool replaced = false;       // another flow lost it
  };
  // A slot for a flow that find() did not know.
  Claim claim(FlowKey key) noexcept;
  // The flow is over: its slot is the next to be given away.
  void release(FlowKey key) noexcept;

 private:
  struct Node {
    FlowKey key;
    std::uint32_t chain = kNone;                 // next of the same bucket
    std::uint32_t older = kNone, newer = kNone;  // by use
    bool is_used = false;
  };

  [[nodiscard]] std::uint32_t& bucket(FlowKey key) noexcept;
  void unchain(std::uint32_t slot) noexcept;
  void unlink(std::uint32_t slot) noexcept;
  void link_newest(std::uint32_t slot) noexcept;
  void link_oldest(std::uint32_t slot) noexcept;

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> buckets_;
  std::uint32_t oldest_ = kNone, newest_ = kNone;
  std::uint32_t used_ = 0;
};

}  // namespace edgesentry::signature
