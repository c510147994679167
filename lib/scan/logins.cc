#include "scan/logins.h"

#include <algorithm>

namespace edgesentry::scan {

namespace {

constexpr unsigned kTimeShift = 17;

base::Micros lasting(std::uint32_t ticks) noexcept {
  return {std::uint64_t{ticks} << kTimeShift};
}

std::uint32_t ticks(base::Micros time) noexcept {
  return static_cast<std::uint32_t>(time.value >> kTimeShift);
}

void slide(LoginTable::Record& record, const LoginTable::Event& event) noexcept {
  const std::uint32_t now = ticks(event.now);
  const std::uint32_t window = ticks(event.window);
  const std::uint64_t passed = now - record.forgiven_at;
  const auto worn = passed * LoginTable::kForgivenMost / std::max(window, 1u);
  if (worn > 0) {
    record.forgiven -= static_cast<std::uint8_t>(std::min<std::uint64_t>(worn, record.forgiven));
    record.forgiven_at = now;
  }
  std::uint8_t old = 0;
  while (old < record.count && now - record.times[old] > window) ++old;
  if (old == 0) return;
  std::copy(record.times.begin() + old, record.times.begin() + record.count, record.times.begin());
  record.count = static_cast<std::uint8_t>(record.count - old);
  if (record.count == 0) record.marks = 0;
}

void push(LoginTable::Record& record, base::Micros now) noexcept {
  if (record.count == record.times.size()) {
    std::copy(record.times.begin() + 1, record.times.end(), record.times.begin());
    --record.count;
  }
  if (record.count == 0) record.row_since = ticks(now);
  record.times[record.count++] = ticks(now);
}

}  // namespace

std::span<LoginTable::Record> LoginTable::set_of(const Event& event) noexcept {
  const std::size_t sets = records_.size() / kWays;
  const std::uint32_t mixed = (event.hash ^ event.port * 0x9e3779b1u) * 0x85ebca6bu;
  return records_.subspan((mixed >> 7 & (sets - 1)) * kWays, kWays);
}

LoginTable::Record* LoginTable::find(const Event& event) noexcept {
  if (records_.empty()) return nullptr;
  for (Record& record : set_of(event)) {
    if (record.is_free() || record.port != event.port || record.source != event.source) continue;
    slide(record, event);
    return &record;
  }
  return nullptr;
}

LoginTable::Record& LoginTable::claim(const Event& event) noexcept {
  Record* victim = nullptr;
  for (Record& record : set_of(event)) {
    if (!record.is_free()) slide(record, event);
    const auto age = [&](const Record& r) {
      return r.count == 0 ? 0 : ticks(event.now) - r.times[r.count - 1u];
    };
    // What was forgiven weighs like failures: it takes an account to have any.
    const auto weight = [](const Record& r) { return r.count + r.forgiven; };
    if (victim == nullptr || weight(record) < weight(*victim) ||
        (weight(record) == weight(*victim) && age(record) > age(*victim)))
      victim = &record;
  }
  *victim = Record{};
  victim->source = event.source;
  victim->port = event.port;
  return *victim;
}

bool LoginTable::repeats(const Event& event) noexcept {
  if (event.credentials == 0) return false;
  const Record* record = find(event);
  return record != nullptr && ((record->marks & UINT16_MAX) == event.credentials ||
                               record->marks >> 16 == event.credentials);
}

LoginTable::Row LoginTable::add(const Event& event, std::uint32_t most) noexcept {
  if (records_.empty()) return {};
  Record* known = find(event);
  Record& record = known != nullptr ? *known : claim(event);
  push(record, event.now);
  if (event.credentials != 0) record.marks = record.marks << 16 | event.credentials;
  const std::uint32_t since = ticks(event.now) - record.row_since;
  // A clock that steps back has lasted no time.
  const bool is_burst =
      most > 0 && record.count >= most && ticks(event.now) - record.times[record.count - most] <= 1;
  return {record.count, lasting(since > INT32_MAX ? 0 : since), is_burst};
}

std::uint32_t LoginTable::add_mark(const Event& event, std::uint32_t mark) noexcept {
  if (records_.empty()) return 0;
  Record* known = find(event);
  Record& record = known != nullptr ? *known : claim(event);
  const std::uint32_t bit = 1u << (mark * 0x9e3779b1u >> 27);
  if (record.marks & bit && record.count > 0) return record.count;
  record.marks |= bit;
  push(record, event.now);
  return record.count;
}

void LoginTable::forgive(const Event& event, std::uint32_t most) noexcept {
  Record* record = find(event);
  if (record == nullptr) return;
  const auto taken = static_cast<std::uint8_t>(
      std::min({most, std::uint32_t{record->count}, kForgivenMost - record->forgiven}));
  if (taken == 0) return;
  record->count = static_cast<std::uint8_t>(record->count - taken);
  record->forgiven = static_cast<std::uint8_t>(record->forgiven + taken);
  record->row_since = ticks(event.now);
}

void LoginTable::take_back(const Event& event, std::uint32_t failures) noexcept {
  if (Record* record = find(event); record != nullptr)
    record->count -= static_cast<std::uint8_t>(std::min<std::uint32_t>(failures, record->count));
}

void LoginTable::clear(const Event& event) noexcept {
  if (Record* record = find(event); record != nullptr) *record = Record{};
}

std::uint32_t LoginTable::count(const Event& event) noexcept {
  const Record* record = find(event);
  return record == nullptr ? 0 : record->count;
}

}  // namespace edgesentry::scan
