#include "control/reloading.h"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <utility>

#include "config/reload_diff.h"
#include "control/command_handlers.h"
#include "control/command_input.h"
#include "control/upkeep.h"

namespace edgesentry::control {

namespace {

// What keeps it from being taken; warnings do not.
std::vector<std::string> faults_of(const config::Loaded& loaded) {
  std::vector<std::string> faults;
  for (const config::Problem& problem : loaded.problems)
    if (problem.fatal) faults.push_back(problem.to_string());
  return faults;
}

nlohmann::json refuse(ControlState& state, const std::vector<std::string>& problems) {
  state.numbers.reloads_failed.add(1);
  state.numbers.is_config_good.set(0);
  const std::string sentence =
      fmt::format("{}: {} problem{}, nothing was changed; correct the file and reload again",
                  state.config.path, problems.size(), problems.size() == 1 ? "" : "s");
  state.say_appliance("reload failed: " + sentence +
                      (problems.empty() ? "" : "; the first is " + problems.front()));
  return {{"ok", false}, {"error", sentence}, {"problems", problems}};
}

// The allow file of the new configuration; the lists in force when it cannot be read.
std::vector<std::string> take_lists(ControlState& state) {
  AllowListsRead read = read_allow_lists(state.config, state.never_ban);
  read.lists.live = std::move(state.lists.live);
  if (!read.is_file_read) read.lists.file = std::move(state.lists.file);
  state.lists = std::move(read.lists);
  return std::move(read.problems);
}

void say_mode_change(ControlState& state, bool enforced) {
  if (enforced == state.enforces()) return;
  state.say_appliance(enforced
                          ? fmt::format("mode is observe now: all blocks are being lifted, {} "
                                        "of them; a return to enforce does not bring them "
                                        "back",
                                        state.ledger.blocked())
                          : std::string("mode is enforce now: detected sources will be blocked"));
}

// Works, but hardly as it was meant; lines of the allow file are said by who reads it.
std::vector<std::string> warnings_of(const ControlState& state, const config::Loaded& next) {
  std::vector<std::string> warnings;
  for (const config::Problem& problem : next.problems)
    if (problem.file == state.config.path) warnings.push_back(problem.to_string());
  return warnings;
}

void add_changes(const ControlState& state, const config::Loaded& next, nlohmann::json& changed,
                 nlohmann::json& waiting) {
  for (const config::Change& change : config::reload_diff(state.config, next.config))
    (change.needs_restart ? waiting : changed)
        .push_back({{"key", change.key}, {"before", change.before}, {"after", change.after}});
}

// "; changed: detect.window 24h -> 12h, ...". A secret is not in it: keys name files.
std::string changes_in_words(std::string_view what, const nlohmann::json& changes) {
  constexpr std::size_t kNamedMax = 16;  // a log line has an end; the reply has all of them
  std::string words;
  for (std::size_t i = 0; i < std::min(changes.size(), kNamedMax); ++i)
    words += fmt::format("{}{} {} -> {}", i == 0 ? "" : ", ",
                         changes[i]["key"].get_ref<const std::string&>(),
                         shown(changes[i]["before"].get_ref<const std::string&>()),
                         shown(changes[i]["after"].get_ref<const std::string&>()));
  if (changes.size() > kNamedMax) words += fmt::format(", {} more", changes.size() - kNamedMax);
  return words.empty() ? words : fmt::format("; {}: {}", what, words);
}

nlohmann::json take(ControlState& state, const config::Loaded& next, const PatternsRead& patterns) {
  nlohmann::json changed = nlohmann::json::array();
  nlohmann::json waiting = nlohmann::json::array();
  add_changes(state, next, changed, waiting);
  const bool enforced = state.enforces();
  std::vector<std::string> warnings = warnings_of(state, next);
  take_reloadable(state.config, next.config);
  for (std::string& problem : take_lists(state)) warnings.push_back(std::move(problem));
  if (patterns.is_new) state.patterns->adopt();
  for (const std::string& notice : patterns.notices) warnings.push_back(notice);
  state.adopt();
  say_mode_change(state, enforced);
  const std::uint32_t lifted = count_to_lift(state);

  state.numbers.reloads.add(1);
  state.numbers.is_config_good.set(1);
  state.numbers.reload_succeeded_at.set(
      static_cast<std::uint64_t>(std::chrono::system_clock::to_time_t(state.now.wall)));
  std::string said = fmt::format("reloaded {}: {} changed, {} waiting for a restart",
                                 state.config.path, changed.size(), waiting.size());
  said += changes_in_words("changed", changed) + changes_in_words("waiting", waiting);
  nlohmann::json reply = {{"ok", true},
                          {"generation", state.generation},
                          {"changed", std::move(changed)},
                          {"needs_restart", std::move(waiting)},
                          {"warnings", std::move(warnings)},
                          {"lifted", lifted}};
  said += lifted_words(lifted);
  if (patterns.is_new) {
    const PatternsView view = state.patterns->view();
    said += fmt::format("; {} patterns of {} are in force now", view.count, view.path);
    reply["patterns"] = {{"file", view.path}, {"count", view.count}};
  }
  state.say_appliance(said);
  return reply;
}

}  // namespace

nlohmann::json check_config(ControlState& state, const nlohmann::json&) {
  const config::Loaded next = state.load(state.config.path);
  nlohmann::json changed = nlohmann::json::array();
  nlohmann::json waiting = nlohmann::json::array();
  nlohmann::json problems = nlohmann::json::array();
  nlohmann::json warnings = nlohmann::json::array();
  for (const config::Problem& problem : next.problems)
    (problem.fatal ? problems : warnings).push_back(problem.to_string());
  if (next.usable()) add_changes(state, next, changed, waiting);
  return {{"ok", true},
          {"path", state.config.path},
          {"good", next.usable()},
          {"problems", std::move(problems)},
          {"warnings", std::move(warnings)},
          {"would_change", std::move(changed)},
          {"needs_restart", std::move(waiting)}};
}

void Reloading::begin(ControlState& state) {
  is_asked_ = false;
  waiting_ = std::exchange(asked_, {});
  next_ = state.load(state.config.path);
}

void Reloading::end(ControlState& state, const PatternsRead& patterns,
                    std::vector<Answered>& answered) {
  const config::Loaded next = std::move(*std::exchange(next_, std::nullopt));
  std::vector<std::string> problems = patterns.problems;
  if (!next.usable()) problems = faults_of(next);
  const nlohmann::json reply =
      problems.empty() ? take(state, next, patterns) : refuse(state, problems);
  if (!problems.empty()) state.numbers.commands_failed.add(waiting_.size());
  for (Mailbox::Letter& letter : waiting_) answered.push_back({std::move(letter), reply});
  waiting_.clear();
}

void Reloading::step(ControlState& state, std::vector<Answered>& answered) {
  if (next_.has_value()) {
    if (const auto patterns = state.patterns->outcome()) end(state, *patterns, answered);
    return;
  }
  if (!is_asked_) return;
  begin(state);
  // Even where payloads are left alone until a restart: what would fail then is said now.
  const bool reads = next_->usable() && state.patterns != nullptr && next_->config.payload.enabled;
  if (!reads) return end(state, {}, answered);
  state.patterns->read(next_->config.payload);
}

}  // namespace edgesentry::control
