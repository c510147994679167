// An event as it is kept, and questions about kept ones. Pure values; times are microseconds since
// 1970 (UTC).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"

namespace edgesentry::store {

struct EventRecord {
  std::int64_t time = 0;
  std::string action;  // as in the JSON lines: "source-blocked"
  std::optional<base::Prefix> source;
  std::string line;  // the JSON line; the reader shows it, nothing here looks into it
};

// Events are numbered in the order in which they were kept; a number never comes again.
struct KeptEvent {
  std::int64_t number = 0;
  EventRecord event;
};

// Newest first. An empty `action` is any.
struct EventQuery {
  std::optional<base::Ip> source;  // an IPv6 source with its host part cleared
  std::string action;
  std::int64_t since = 0;
  std::int64_t until = std::numeric_limits<std::int64_t>::max();
  std::int64_t before = std::numeric_limits<std::int64_t>::max();  // a number; for the next page
  std::uint32_t count = 100;
};

struct EventPage {
  std::vector<KeptEvent> events;
  std::int64_t next = 0;  // `before` of the next page; 0: there is none
  std::string trouble;    // why there is nothing; empty when it was read
};

}  // namespace edgesentry::store
