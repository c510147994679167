// Attempts to connect that were held, so that the same one is known when it comes again: a stack
// sends its SYN a second time after a second (RFC 6298, section 2; Linux up to six times within
// 64 s), with the same ports and the same sequence number. Scanners do not wait.
//
// Owner: one worker; 32 KiB, a place follows from the hash alone. A flood of others overwrites:
// at n of them within the second an attempt is still known with probability exp(-n / 4096).
#pragma once

#include <array>
#include <cstdint>

#include "base/units.h"
#include "wire/probe.h"

namespace edgesentry::scan {

class HeldAttempts {
 public:
  static constexpr std::size_t kSlots = 4096;
  static constexpr std::uint32_t kPatienceMs = 900;
  static constexpr std::uint32_t kForgottenMs = 70'000;

  [[nodiscard]] static std::uint64_t hash_of(const wire::Probe& probe, std::uint64_t key) noexcept {
    std::uint64_t x =
        key ^ (std::uint64_t{wire::fold(probe.source)} << 32 | wire::fold(probe.target));
    const auto mix = [&x] {  // the finalizer of MurmurHash3 (public domain)
      x ^= x >> 33;
      x *= 0xff51afd7ed558ccdu;
      x ^= x >> 33;
    };
    mix();
    x ^= std::uint64_t{probe.sequence} << 32 | std::uint32_t{probe.source_port} << 16 |
         probe.target_port;
    mix();
    return x;
  }

  // True: this very attempt was here before, a stack's patience ago. Else it is from now on.
  [[nodiscard]] bool has_waited(std::uint64_t hash, base::Micros now) noexcept {
    Slot& slot = slots_[hash % kSlots];
    const auto tag = static_cast<std::uint32_t>(hash >> 32) | 1;
    const auto now_ms = static_cast<std::uint32_t>(now.value / 1000);
    const std::uint32_t age = now_ms - slot.at_ms;
    if (slot.tag == tag && age <= kForgottenMs) return age >= kPatienceMs;
    slot = {tag, now_ms};
    return false;
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;  // 0: none
    std::uint32_t at_ms = 0;
  };
  std::array<Slot, kSlots> slots_{};
};

}  // namespace edgesentry::scan
