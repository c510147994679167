// A bounds-checked view of the bytes still to be parsed. Private to wire: every read goes through
// has(), which is why parse() can promise that no byte is read before it is known to be there.
// Handed on by reference and used up: three words by value would be copied through memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/load.h"
#include "wire/probe.h"

namespace edgesentry::wire {

class Cursor {
 public:
  explicit Cursor(std::span<const std::uint8_t> frame) noexcept
      : begin_(frame.data()), at_(frame.data()), end_(frame.data() + frame.size()) {}

  [[nodiscard]] bool has(std::size_t bytes) const noexcept {
    return static_cast<std::size_t>(end_ - at_) >= bytes;
  }
  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] const std::uint8_t* at() const noexcept { return at_; }
  [[nodiscard]] std::size_t offset() const noexcept {
    return static_cast<std::size_t>(at_ - begin_);
  }
  // Only after has(bytes).
  void skip(std::size_t bytes) noexcept { at_ += bytes; }
  // Forget everything behind the next `bytes` (Ethernet padding behind an IP packet).
  void limit(std::size_t bytes) noexcept {
    if (left() > bytes) end_ = at_ + bytes;
  }

 private:
  const std::uint8_t* begin_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

// The transport header starts at the cursor. `ip_payload` is the payload's length by the IP header,
// which may be more than what was captured.
struct Transport {
  std::uint8_t protocol;
  std::uint32_t ip_payload;
};

ParseOutcome parse_ipv4(Cursor& cursor, Probe& probe) noexcept;
ParseOutcome parse_ipv6(Cursor& cursor, Probe& probe) noexcept;
ParseOutcome parse_transport(Cursor& cursor, const Transport& transport, Probe& probe) noexcept;

}  // namespace edgesentry::wire
