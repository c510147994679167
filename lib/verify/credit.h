// What each source has paid for: bytes that it sent and that were dropped, less bytes sent to it.
// And how many packets a second may go to it. So nobody gets more out of the appliance than went in
// under the same address, whoever wrote that address.
//
// Owner: one worker; fixed memory, nothing is allocated later. Sources that meet in a set of four
// drive each other's credit out and share one rate, so that a collision, chosen or not, only makes
// fewer replies. The whole address is compared: credit is never mistaken for another's.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/ip.h"
#include "base/units.h"

namespace edgesentry::verify {

// So many a second, as many of them at once as fall to one second (the generic cell rate algorithm,
// ITU-T I.371: the time when the next one would be due were they spread evenly).
class RateLimit {
 public:
  // `per_second` from 1 on.
  [[nodiscard]] bool allows(base::Micros now, std::uint32_t per_second) const noexcept {
    return due_ + kSecond / per_second <= now.value * 1000 + kSecond;
  }
  void take(base::Micros now, std::uint32_t per_second) noexcept {
    due_ = std::max(due_, now.value * 1000) + kSecond / per_second;
  }

 private:
  static constexpr std::uint64_t kSecond = 1'000'000'000;  // ns

  std::uint64_t due_ = 0;  // ns
};

struct Account {
  std::uint32_t& credit;  // bytes
  RateLimit& rate;
};

class CreditTable {
 public:
  static constexpr std::uint32_t kCreditMax = 4096;  // nobody saves up for a burst
  static constexpr std::size_t kWays = 4;

  explicit CreditTable(std::size_t sets) : sets_(sets) {}  // a power of two

  // `hash` is keyed: whoever chooses addresses does not choose sets. Valid until the next call.
  [[nodiscard]] Account account(const base::Ip& source, std::uint32_t hash,
                                base::Micros now) noexcept {
    Set& set = sets_[hash & (sets_.size() - 1)];
    const auto seen = static_cast<std::uint32_t>(now.value >> 16);  // 65 ms, over again in 8 years
    Entry* entry = std::ranges::find(set.entries, source, &Entry::source);
    if (entry == set.entries.end()) {
      entry = std::ranges::max_element(set.entries, {},
                                       [&](const Entry& e) { return seen - e.last_seen; });
      *entry = {.source = source};
    }
    entry->last_seen = seen;
    return {entry->credit, set.rate};
  }

  static void pay(Account account, std::uint32_t bytes) noexcept {
    account.credit = std::min(account.credit + bytes, kCreditMax);
  }

 private:
  struct Entry {
    base::Ip source;
    std::uint32_t credit = 0;
    std::uint32_t last_seen = 0;
  };
  struct alignas(base::kCacheLine) Set {
    std::array<Entry, kWays> entries;
    RateLimit rate;
  };
  static_assert(sizeof(Set) == 2 * base::kCacheLine);

  std::vector<Set> sets_;
};

}  // namespace edgesentry::verify
