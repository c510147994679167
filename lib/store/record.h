// What outlives the process about a source: its block, or the memory of one. Times are those of the
// wall clock, because the monotonic axis starts anew with the machine.
//
// Pure values. Microseconds since 1970 (UTC).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/ip.h"

namespace edgesentry::store {

inline constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

// The numbers stand in the file: they never change their meaning.
enum class Standing : std::uint8_t {
  forgotten = 0,  // only on the way to the file: takes what is there of the source away
  blocked = 1,
  remembered = 2,
};
enum class Origin : std::uint8_t { detector = 1, operator_order = 2 };

struct Record {
  base::Ip source;  // an IPv6 source with its host part cleared
  Standing standing = Standing::blocked;
  Origin origin = Origin::detector;
  bool is_offence = false;
  std::uint32_t offences = 0;
  std::int64_t since = 0;
  std::int64_t until = 0;  // kForever: until somebody lifts it
  std::int64_t quiet_since = 0;
  std::int64_t released = 0;
  std::string reason;

  friend bool operator==(const Record&, const Record&) = default;
};

// Networks that an operator has allowed by command, as text: "192.0.2.0/24".
using Allowed = std::vector<std::string>;

}  // namespace edgesentry::store
