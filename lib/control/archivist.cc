#include "control/archivist.h"

#include <array>
#include <utility>
#include <vector>

#include "control/archive.h"
#include "control/state.h"

namespace edgesentry::control {

namespace {

constexpr std::uint32_t kEntriesPerRound = 4096;

}  // namespace

std::uint64_t Archivist::keep(ControlState& state, bool is_urgent) {
  if (keeper_ == nullptr) {
    state.changed.clear();
    state.is_allow_changed = false;
    return 0;
  }
  const bool is_new_file = keeper_->wants_everything();
  if (std::exchange(state.is_clock_set, false) || is_new_file) {
    is_walking_ = true;
    cursor_ = 0;
  }
  std::uint64_t number = 0;
  if (std::exchange(state.is_allow_changed, false) || is_new_file)
    number = keeper_->put(allowed_of(state));
  std::vector<store::Record> records;
  records.reserve(state.changed.size());
  // By what the ledger has now: a block and its lift may share a round.
  for (const base::Ip& source : state.changed) {
    const policy::Entry* entry = state.ledger.find(source);
    records.push_back(
        entry != nullptr && is_kept(*entry)
            ? record_of(state, *entry)
            : store::Record{.source = source, .standing = store::Standing::forgotten});
  }
  state.changed.clear();
  if (is_walking_) {
    std::array<const policy::Entry*, kEntriesPerRound> entries;
    const auto page = state.ledger.page(cursor_, kEntriesPerRound, entries);
    for (std::size_t i = 0; i < page.count; ++i)
      if (is_kept(*entries[i])) records.push_back(record_of(state, *entries[i]));
    cursor_ = page.next;
    is_walking_ = page.next != 0;
  }
  return records.empty() ? number : keeper_->put(std::move(records), is_urgent);
}

}  // namespace edgesentry::control
