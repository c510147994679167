// What is kept of a suspect that has to give its exact record away: 64 bytes, enough for evidence
// to go on where it was. Plain values, made and read by one worker.
//
// Everything that counts is backed by a contact that is kept: those held against the source first,
// the newest of them. What does not fit is forgotten as if it had left the window. Times are units
// of a power of two of seconds, rounded down, so that some 250 units make a window (24 h: 512 s);
// rounding once more, after the source came back, changes nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/units.h"
#include "scan/detection_policy.h"
#include "scan/source_key.h"
#include "scan/suspect.h"

namespace edgesentry::scan {

struct SlowContact {
  std::uint32_t target = 0;    // 0  as in Contact
  std::uint16_t port = 0;      // 4
  std::uint8_t technique : 5;  // 6
  std::uint8_t outcome : 3;    //    see slow_record.cc; 0: no contact
  std::uint8_t unit_number;    // 7  of its time, modulo 256
  friend bool operator==(const SlowContact&, const SlowContact&) = default;
};
static_assert(sizeof(SlowContact) == 8 && kTechniqueNames.size() <= 32);

inline constexpr std::size_t kSlowContacts = 6;

struct alignas(base::kCacheLine) SlowRecord {
  std::array<SlowContact, kSlowContacts> contacts;  //  0  oldest first
  std::uint32_t tag;                                // 48  who: exact for IPv4, see source_key.h
  std::uint32_t home;                               // 52
  std::uint32_t last_seen_s;                        // 56
  std::uint16_t score;                              // 60  of the sequential test, saturating
  std::uint8_t successes;                           // 62  saturating
  std::uint8_t unit_log2 : 4;                       // 63
  std::uint8_t is_ipv6 : 1;
  std::uint8_t is_proven : 1;
  std::uint8_t answers : 1;
  std::uint8_t ip_options : 1;
};
static_assert(sizeof(SlowRecord) == 64, "what one suspect may cost");

// Something failed, and the suspect is not decided. What only waits for its answer is no evidence:
// a flood of invented sources leaves nothing unless their records last as long as answer_timeout.
[[nodiscard]] bool has_evidence(const Suspect& suspect) noexcept;
// nullopt without evidence.
[[nodiscard]] std::optional<SlowRecord> summary_of(const Suspect& suspect, const SourceKey& key,
                                                   const Thresholds& thresholds) noexcept;

// Gives a fresh suspect back what its record holds of the window before `now`; both are of the same
// source. Nothing happens when all of it is older.
void restore(Suspect& suspect, const SlowRecord& record, const DetectionPolicy& policy,
             base::Micros now) noexcept;

// How much is held against the source: steps of the sequential test, and a nat of it for each
// contact with impossible flags, whose silence the test does not count.
[[nodiscard]] std::uint32_t weight_of(const SlowRecord& record) noexcept;
// Contacts held against the source.
[[nodiscard]] std::uint32_t count_bad(const SlowRecord& record) noexcept;

}  // namespace edgesentry::scan
