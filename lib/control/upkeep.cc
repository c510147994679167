#include "control/upkeep.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <array>
#include <ctime>
#include <utility>

#include "config/reload_diff.h"

namespace edgesentry::control {

namespace {

constexpr std::uint32_t kSweptPerRound = 4096;
constexpr base::Micros kFileLookEvery = base::seconds(1);
constexpr base::Micros kMachineLookEvery = base::seconds(60);

nlohmann::json refuse_reload(ControlState& state, const config::Loaded& loaded) {
  nlohmann::json problems = nlohmann::json::array();
  for (const config::Problem& problem : loaded.problems) problems.push_back(problem.to_string());
  state.numbers.reloads_failed.add(1);
  state.numbers.is_config_good.set(0);
  const std::string sentence =
      fmt::format("{}: {} problem{}, nothing was changed; correct the file and reload again",
                  state.config.path, problems.size(), problems.size() == 1 ? "" : "s");
  state.say_appliance("reload failed: " + sentence);
  return {{"ok", false}, {"error", sentence}, {"problems", std::move(problems)}};
}

// The allow file of the new configuration; the lists in force when it cannot be read.
nlohmann::json take_lists(ControlState& state) {
  AllowListsRead read = read_allow_lists(state.config, state.never_ban);
  read.lists.live = std::move(state.lists.live);
  if (!read.is_file_read) read.lists.file = std::move(state.lists.file);
  state.lists = std::move(read.lists);
  return read.problems;
}

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

void say_mode_change(ControlState& state, bool enforced) {
  if (enforced == state.enforces()) return;
  state.say_appliance(enforced ? "mode is observe now: all blocks are being lifted"
                               : "mode is enforce now: detected sources will be blocked");
}

}  // namespace

nlohmann::json reload(ControlState& state) {
  const config::Loaded loaded = state.load(state.config.path);
  if (!loaded.usable()) return refuse_reload(state, loaded);
  nlohmann::json changed = nlohmann::json::array();
  nlohmann::json waiting = nlohmann::json::array();
  for (const config::Change& change : config::reload_diff(state.config, loaded.config))
    (change.needs_restart ? waiting : changed)
        .push_back({{"key", change.key}, {"before", change.before}, {"after", change.after}});
  const bool enforced = state.enforces();
  take_reloadable(state.config, loaded.config);
  nlohmann::json warnings = take_lists(state);
  state.adopt();
  say_mode_change(state, enforced);

  state.numbers.reloads.add(1);
  state.numbers.is_config_good.set(1);
  state.numbers.reload_succeeded_at.set(
      static_cast<std::uint64_t>(std::chrono::system_clock::to_time_t(state.now.wall)));
  state.say_appliance(fmt::format("reloaded {}: {} changed, {} waiting for a restart",
                                  state.config.path, changed.size(), waiting.size()));
  return {{"ok", true},
          {"generation", state.generation},
          {"changed", std::move(changed)},
          {"needs_restart", std::move(waiting)},
          {"warnings", std::move(warnings)}};
}

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
  state.say_appliance(read_again_sentence(path_, state.lists.file.size(), read));
}

}  // namespace edgesentry::control
