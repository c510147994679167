// Failed logins of a source at one service, and the exploits it tried: a window that slides by each
// single event, because the times of the newest ones are kept.
//
// Plain memory of one worker, given at the start; nothing allocates. One record, two cache lines,
// for each (source, port): a source that guesses at the same service of many hosts is one guesser.
// When a set of records is full the one with the fewest events gives way, so that a flood of
// sources with a failure each crowds out its own kind first.
//
// A login that succeeds takes the newest failures off, never below none. How many are taken off in
// a window is limited: who guesses at other accounts and logs in to one of his own in between gains
// a fixed number of guesses and no more.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/ip.h"
#include "base/units.h"
#include "scan/source_key.h"

namespace edgesentry::scan {

inline constexpr std::uint32_t kLoginFailuresMax = 24;  // the highest threshold there can be

class LoginTable {
 public:
  struct alignas(base::kCacheLine) Record {
    base::Ip source;
    std::array<std::uint32_t, kLoginFailuresMax> times;  // oldest first, units of 2^17 us (0.13 s)
    std::uint32_t marks;        // bitmap of what was tried; of logins the last two `credentials`
    std::uint32_t row_since;    // nobody got in, since then
    std::uint32_t forgiven_at;  // `forgiven` was worked out
    std::uint16_t port;         // 0: exploits
    std::uint8_t count;         // of `times`
    std::uint8_t forgiven;      // failures taken off; falls by kForgivenMost in a window

    [[nodiscard]] bool is_free() const noexcept { return count == 0 && forgiven == 0; }
  };
  static_assert(sizeof(Record) == 2 * base::kCacheLine);

  struct Event {
    base::Ip source;  // canonical
    std::uint32_t hash = 0;
    std::uint16_t port = 0;
    std::uint16_t credentials = 0;  // 0: not known
    base::Micros now;
    base::Micros window;
  };

  // A row of failures that no success has broken.
  struct Row {
    std::uint32_t failures = 0;
    base::Micros lasting;
    bool is_burst = false;  // the newest `most` came within a quarter of a second
  };

  static constexpr std::size_t kWays = 4;
  static constexpr std::uint32_t kForgivenMost = 16;  // in a window

  LoginTable() = default;
  explicit LoginTable(std::span<Record> records) noexcept : records_(records) {}

  // The same as one of the last two failures in the window was offered with: no guess, but a
  // program that has not heard of the new password.
  [[nodiscard]] bool repeats(const Event& event) noexcept;
  // One more; what there is in the window with it.
  Row add(const Event& event, std::uint32_t most) noexcept;
  // One more exploit: a mark that is known already changes nothing. Returns distinct ones.
  std::uint32_t add_mark(const Event& event, std::uint32_t mark) noexcept;
  // The source got in: takes off up to `most` failures.
  void forgive(const Event& event, std::uint32_t most) noexcept;
  // Failures that turned out to be none; what may be forgiven stays as it is.
  void take_back(const Event& event, std::uint32_t failures) noexcept;
  void clear(const Event& event) noexcept;
  [[nodiscard]] std::uint32_t count(const Event& event) noexcept;

 private:
  [[nodiscard]] std::span<Record> set_of(const Event& event) noexcept;
  [[nodiscard]] Record* find(const Event& event) noexcept;
  Record& claim(const Event& event) noexcept;

  std::span<Record> records_;  // a power of two, at least kWays
};

}  // namespace edgesentry::scan
