// The packet account as one sentence, from all workers' counters: exact once they have stopped.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "scan/tally.h"

namespace edgesentry::appliance {

struct Account {
  std::uint64_t received = 0, forwarded = 0, dropped_verdict = 0, dropped_fault = 0;

  [[nodiscard]] bool adds_up() const noexcept {
    return received == forwarded + dropped_verdict + dropped_fault;
  }
  // "received 10 = forwarded 7 + dropped by verdict 2 + dropped by fault 1 packets"
  [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] Account account_of(std::span<const scan::Tally* const> workers) noexcept;

}  // namespace edgesentry::appliance
