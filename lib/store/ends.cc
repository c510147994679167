#include "store/ends.h"

namespace edgesentry::store {

std::vector<Record> shorten(std::vector<Record>& records, const EndLimits& limits) {
  const auto after = [&](std::chrono::seconds length) {
    return limits.now + std::chrono::microseconds(length).count();
  };
  std::vector<Record> changed;
  for (Record& record : records) {
    const bool has_end = record.standing == Standing::blocked && record.until != kForever;
    if (!has_end || record.until <= after(limits.longest)) continue;
    record.until = after(limits.instead);
    if (record.since > limits.now) record.since = limits.now;
    changed.push_back(record);
  }
  return changed;
}

}  // namespace edgesentry::store
