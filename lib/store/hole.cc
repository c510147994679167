#include "store/hole.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

namespace edgesentry::store {

namespace {

constexpr int kProbesMost = 1 << 15;  // well below a second
// Of an address: all of an IPv4 one, the network of an IPv6 one.
constexpr std::size_t kPrefixBytes = 8;
constexpr const char* kUp =
    "SELECT * FROM source WHERE address >= ?1 AND address < ?2 ORDER BY address";
constexpr const char* kDown =
    "SELECT * FROM source WHERE address >= ?1 AND address < ?2 ORDER BY address DESC";

std::uint64_t prefix_of(const Key& key) noexcept {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < kPrefixBytes; ++i)
    prefix = prefix << 8 | (i < key.size() ? key[i] : 0u);
  return prefix;
}

std::optional<Key> middle_of(const Hole& hole) {
  const std::uint64_t from = prefix_of(hole.from), to = prefix_of(hole.to);
  if (to <= from || to - from < 2) return std::nullopt;
  const std::uint64_t middle = from + (to - from) / 2;
  Key key(kPrefixBytes);
  for (std::size_t i = 0; i < kPrefixBytes; ++i)
    key[i] = static_cast<std::uint8_t>(middle >> (8 * (kPrefixBytes - 1 - i)));
  return key;
}

// The address of the last row before the damage, `start` when there was none; nullopt: no damage.
std::optional<Key> read_up_to_damage(Statement& select, const Hole& hole, Key start,
                                     const std::function<void(const Statement&)>& take) {
  select.bind(1, std::span<const std::uint8_t>(hole.from));
  select.bind(2, std::span<const std::uint8_t>(hole.to));
  for (;;) {
    const auto row = select.step();
    if (!row) return start;
    if (!row.value()) return std::nullopt;
    take(select);
    const auto address = select.bytes(0);
    start.assign(address.begin(), address.end());
  }
}

}  // namespace

void read_past(Database& database, Hole hole, const std::function<void(const Statement&)>& take) {
  auto up = Statement::make(database, kUp);
  auto down = Statement::make(database, kDown);
  if (!up || !down) return;  // the schema is lost, and with it every row
  std::deque<Hole> holes = {std::move(hole)};
  for (int i = 0; i < kProbesMost && !holes.empty(); ++i) {
    const Hole at = std::move(holes.front());
    holes.pop_front();
    const std::optional<Key> middle = middle_of(at);
    if (!middle) continue;
    if (auto to = read_up_to_damage(down.value(), {at.from, *middle}, *middle, take))
      holes.push_back({at.from, std::move(*to)});
    if (auto from = read_up_to_damage(up.value(), {*middle, at.to}, *middle, take)) {
      if (*from != *middle) from->push_back(0);  // the next possible one
      holes.push_back({std::move(*from), at.to});
    }
  }
}

}  // namespace edgesentry::store
