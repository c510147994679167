#include "control/upkeep.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <array>
#include <utility>
#include <vector>

namespace edgesentry::control {

namespace {

constexpr std::uint32_t kSweptPerRound = 4096;
constexpr base::Micros kFileLookEvery = base::seconds(1);
constexpr base::Micros kMachineLookEvery = base::seconds(60);

std::string read_again_sentence(const std::string& path, std::size_t entries,
                                const AllowListsRead& read) {
  std::string text = fmt::format("allow file {} was read again: {} entr{} in force", path, entries,
                                 entries == 1 ? "y of it is" : "ies of it are");
  if (read.problems.empty()) return text;
  return text + fmt::format(
                    ", {} bad line{} left out, the first is {}; allow.networks, what 'allow' "
                    "added and the never-ban set stay in force",
                    read.bad_lines, read.bad_lines == 1 ? " is" : "s are", read.problems.front());
}

}  // namespace

void sweep_some(ControlState& state) {
  if (!state.sweep.is_running) return;
  std::array<const policy::Entry*, kSweptPerRound> entries;
  const auto page = state.ledger.page(state.sweep.cursor, kSweptPerRound, entries);
  for (std::size_t i = 0; i < page.count; ++i) {
    const policy::Standing standing = entries[i]->standing;
    const bool is_block = standing == policy::Standing::blocked;
    if (!is_block && standing != policy::Standing::shadow) continue;
    const base::Ip source = entries[i]->source;
    const auto why = state.exempt.why(source);
    if (!why && (state.enforces() || !is_block)) continue;
    state.lift(source);
    if (!is_block) continue;
    report::Event event = state.event_of(report::Action::source_unblocked, source);
    event.text = fmt::format("{} is no longer blocked: {}", event.source.to_string(),
                             why ? policy::words_for(*why) : "the mode is observe");
    state.say(std::move(event));
  }
  state.sweep = {.is_running = page.next != 0, .cursor = page.next};
}

std::uint32_t count_to_lift(const ControlState& state) {
  std::vector<const policy::Entry*> entries(kSweptPerRound);
  std::uint32_t count = 0, cursor = 0;
  do {
    const auto page = state.ledger.page(cursor, kSweptPerRound, entries);
    for (std::size_t i = 0; i < page.count; ++i)
      if (entries[i]->standing == policy::Standing::blocked &&
          (!state.enforces() || state.exempt.why(entries[i]->source)))
        ++count;
    cursor = page.next;
  } while (cursor != 0);
  return count;
}

std::string lifted_words(std::uint32_t count) {
  if (count == 0) return {};
  return fmt::format("; {} block{} with it", count, count == 1 ? " ends" : "s end");
}

void say_expired(ControlState& state, const policy::Expired& expired) {
  report::Event event = state.event_of(report::Action::block_expired, expired.source);
  event.time = state.wall_of(expired.until);
  event.offence = expired.offence;
  event.block_for = std::chrono::seconds(
      static_cast<std::int64_t>(base::elapsed(expired.since, expired.until).value / 1'000'000));
  event.text = fmt::format("the block of {} ended after {}{}", event.source.to_string(),
                           policy::in_words(event.block_for),
                           expired.offence > 0 ? fmt::format(", offence {}", expired.offence) : "");
  const policy::Entry* entry = state.ledger.find(expired.source);
  if (entry != nullptr && entry->held_events > 0)
    event.text += fmt::format("; {} reports of it were held back", entry->held_events);
  state.say(std::move(event));
}

Watch::Stamp Watch::stamp_of(const std::string& path) {
  struct stat found {};
  if (path.empty() || ::stat(path.c_str(), &found) != 0) return {};
  return {found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_size, found.st_ino};
}

void Watch::look(ControlState& state) {
  const base::Micros now = state.now.monotonic;
  if (now >= next_file_look_) {
    next_file_look_ = now + kFileLookEvery;
    look_at_file(state);
  }
  if (now < next_machine_look_) return;
  const bool is_first = next_machine_look_ == base::Micros{};  // start has read it just now
  next_machine_look_ = now + kMachineLookEvery;
  if (is_first) return;
  auto never_ban = state.never_ban(state.config.allow);
  if (never_ban == state.lists.never_ban) return;
  state.lists.never_ban = std::move(never_ban);
  state.adopt();
}

void Watch::look_at_file(ControlState& state) {
  const Stamp stamp = stamp_of(state.config.allow.file);
  if (!has_looked_ || path_ != state.config.allow.file) {
    // Start, or a reload that has just read the new file.
    path_ = state.config.allow.file;
    taken_ = seen_ = stamp;
    has_looked_ = true;
    return;
  }
  const bool is_settled = stamp == std::exchange(seen_, stamp);
  if (stamp == taken_ || !is_settled) return;
  taken_ = stamp;
  AllowListsRead read = read_allow_lists(state.config, state.never_ban);
  if (!read.is_file_read) {
    state.say_appliance(
        fmt::format("allow file {} cannot be read; its last {} entries stay in force", path_,
                    state.lists.file.size()));
    return;
  }
  state.lists.file = std::move(read.lists.file);
  state.adopt();
  state.say_appliance(read_again_sentence(path_, state.lists.file.size(), read) +
                      lifted_words(count_to_lift(state)));
}

}  // namespace edgesentry::control
