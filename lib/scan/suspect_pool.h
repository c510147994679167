// The fixed number of tier-2 records of one worker. When all are in use, a newcomer takes the place
// of the least suspicious of a few, and only if the newcomer is no less suspicious: noise never
// flushes a scanner. What is held against a source that has gone quiet halves every few minutes,
// and a part of the slots is a probation: there a newcomer that has tried a few things in vain
// takes the place of whoever is there, so that forged sources, however much each of them did, can
// crowd that part and never close it. Owner: one thread.
#pragma once

#include <cstdint>
#include <span>

#include "scan/suspect.h"

namespace edgesentry::scan {

class SuspectPool {
 public:
  static constexpr std::uint32_t kSlotsMax = 65535;  // slot numbers are 16 bits, 0 is none
  // Looked at for each replacement, a cache miss each. A newcomer that has hardly done anything is
  // worth few: a flood of sources with two packets each must not cost a dozen misses per source.
  static constexpr int kCandidates = 16;
  static constexpr int kCandidatesForLittle = 3;
  static constexpr std::uint8_t kLittle = 26;          // two contacts
  static constexpr std::uint32_t kProbationShare = 4;  // one slot in so many, the last ones
  static constexpr int kCandidatesOnProbation = 8;
  static constexpr base::Micros kHalfLife = base::seconds(300);  // of a rank, while nothing comes

  SuspectPool() = default;
  explicit SuspectPool(std::span<Suspect> records) noexcept : records_(records) {}
  [[nodiscard]] std::uint16_t slot_of(const Suspect& suspect) const noexcept {
    return static_cast<std::uint16_t>(&suspect - records_.data() + 1);
  }

  // Slots are 1 to capacity().
  [[nodiscard]] Suspect& at(std::uint16_t slot) noexcept { return records_[slot - 1u]; }
  [[nodiscard]] const Suspect& at(std::uint16_t slot) const noexcept { return records_[slot - 1u]; }
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return static_cast<std::uint32_t>(records_.size());
  }
  [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_; }
  // The one that a claim will look at `ahead` looks from now, 0: the next.
  [[nodiscard]] std::uint16_t upcoming(std::uint32_t ahead) const noexcept {
    return static_cast<std::uint16_t>((hand_ + 1 + ahead) % records_.size() + 1);
  }

  // A slot for a source of this rank, 0 when it has done little and all that were looked at are
  // more suspicious. The slot may still hold its former suspect: the caller unlinks it from tier 1
  // first.
  [[nodiscard]] std::uint16_t claim(std::uint8_t rank, base::Micros now) noexcept;
  void release(std::uint16_t slot) noexcept;
  void count_claimed() noexcept { ++in_use_; }

  // One scale for records and newcomers: what a source has tried without success. A newcomer that
  // has tried more than a record's owner takes its place, so forged sources of a few packets each
  // cannot fill the pool against a scanner. Ends below kOwedRank.
  static constexpr std::uint8_t kOwedRank = 127;
  [[nodiscard]] static constexpr std::uint8_t rank_of_contacts(std::uint32_t contacts,
                                                               std::uint32_t abnormal) noexcept {
    const std::uint32_t rank = (contacts < 10 ? contacts : 9) * 13 + (abnormal < 10 ? abnormal : 9);
    return static_cast<std::uint8_t>(rank);
  }

  // How much is held against a suspect: what tier 1 and the pool replace by.
  [[nodiscard]] static std::uint8_t rank_of(const Suspect& suspect) noexcept;

 private:
  struct Search {
    std::uint32_t first, count;  // of the slots to look at, from 0
    int candidates;
  };
  template <class Cost>
  [[nodiscard]] std::uint16_t find(const Search& search, std::uint32_t& hand,
                                   Cost&& cost_of) const noexcept;

  std::span<Suspect> records_;
  std::uint32_t in_use_ = 0;
  std::uint32_t hand_ = 0;
  std::uint32_t probation_hand_ = 0;
};

}  // namespace edgesentry::scan
