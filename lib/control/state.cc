#include "control/state.h"

#include <fmt/core.h>

#include <utility>

namespace edgesentry::control {

namespace {

constexpr std::size_t kRecentEvents = 1024;
// Two readings of one moment are microseconds apart, or milliseconds when the thread had to wait in
// between; more is a clock that was set.
constexpr std::chrono::milliseconds kWallStep{50};

}  // namespace

ControlState::ControlState(ControlSettings settings,
                           base::Published<scan::DetectionPolicy>& published, Numbers& shared)
    : config(std::move(settings.config)),
      lists(std::move(settings.lists)),
      version(std::move(settings.version)),
      load(std::move(settings.load)),
      never_ban(std::move(settings.never_ban)),
      standing(std::move(settings.standing)),
      machine(std::move(settings.machine)),
      left_behind(std::move(settings.left_behind)),
      needed_proof(verification_of(config).needed),
      exempt(lists, config.table.ipv6_prefix),
      ledger(ledger_settings(config)),
      budget(config.block.per_minute_max),
      recent(kRecentEvents),
      policy(published),
      numbers(shared) {}

WallTime ControlState::wall_of(base::Micros then) const noexcept {
  const auto ago = base::elapsed(then, axis.monotonic).value;
  const auto ahead = base::elapsed(axis.monotonic, then).value;
  return axis.wall + std::chrono::microseconds(static_cast<std::int64_t>(ahead)) -
         std::chrono::microseconds(static_cast<std::int64_t>(ago));
}

void ControlState::look_at_clocks(Moment moment) noexcept {
  now = moment;
  const auto apart = wall_of(now.monotonic) - now.wall;
  if (apart > kWallStep || apart < -kWallStep) {
    axis = now;
    numbers.clock_steps.add(1);
    is_clock_set = true;
  }
}

bool ControlState::may_block() const noexcept {
  return config.failure.disk_full == config::DiskFull::shed || conditions == nullptr ||
         !conditions->is_active(Condition::disk_full);
}

report::Enforcement ControlState::enforcement() const noexcept {
  if (!enforces() || is_bypassed_) return report::Enforcement::none;
  if (config.placement == config::Placement::inline_) return report::Enforcement::packets;
  const enforce::Enforcer* kernel = kernel_filter();
  if (kernel != nullptr && kernel->health().is_in_force) return report::Enforcement::packets;
  return config.log.block_command.empty() ? report::Enforcement::none
                                          : report::Enforcement::command;
}

const enforce::Enforcer* ControlState::kernel_filter() const noexcept {
  const enforce::Enforcer* found = nullptr;
  for (const enforce::Enforcer* enforcer : enforcers) {
    if (!enforcer->is_kernel()) continue;
    if (enforcer->health().is_in_force) return enforcer;
    if (found == nullptr) found = enforcer;
  }
  return found;
}

std::string ControlState::kernel_names() const {
  std::string names;
  for (const enforce::Enforcer* enforcer : enforcers)
    if (enforcer->is_kernel() && enforcer->health().is_in_force)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", enforcer->name());
  return names;
}

std::string_view ControlState::placement_name() const noexcept {
  if (config.placement == config::Placement::inline_) return "inline";
  return config.placement == config::Placement::tap ? "tap" : "host";
}

std::string ControlState::enforcement_words() const {
  return own_enforcement_words() + left_words();
}

std::string ControlState::left_words() const {
  return left_behind.empty() ? std::string() : "; " + left_behind;
}

std::string ControlState::own_enforcement_words() const {
  if (is_bypassed_) return bypass_words();
  if (!enforces()) return "the mode is observe: no packet is dropped";
  if (config.placement == config::Placement::inline_)
    return "packets of blocked sources are dropped";
  const enforce::Enforcer* kernel = kernel_filter();
  if (kernel != nullptr && kernel->health().is_in_force)
    return fmt::format("the kernel drops packets of blocked sources ({})", kernel_names());
  if (kernel != nullptr)
    return fmt::format(
        "{} is not, or not surely, in force now: new blocks are on record only until it works "
        "again, and what it was told before may still be dropped",
        kernel->name());
  return fmt::format("the placement is {}: no packet is dropped here{}", placement_name(),
                     config.log.block_command.empty() ? "" : ", log.block_command is run");
}

std::string ControlState::bypass_words() const {
  std::string holding, by_hand;
  for (const enforce::Enforcer* enforcer : enforcers) {
    if (enforcer->health().is_passing) continue;
    holding += fmt::format("{}{}", holding.empty() ? "" : ", ", enforcer->name());
    if (!enforcer->by_hand().empty())
      by_hand += fmt::format("{}{}", by_hand.empty() ? ": " : "; ", enforcer->by_hand());
  }
  if (holding.empty()) return "the bypass is on: every packet passes, until 'bypass off'";
  return fmt::format(
      "the bypass is on, but {} has not confirmed that it lets everybody pass; if that lasts{}",
      holding, by_hand);
}

report::Event ControlState::event_of(report::Action action, const base::Ip& source) const {
  report::Event event;
  event.action = action;
  event.time = now.wall;
  event.source = ledger.prefix_of(source);
  event.enforcement = enforcement();
  return event;
}

void ControlState::order(const base::Ip& source, scan::OrderKind kind) {
  const base::Ip key = ledger.key_of(source);
  orders.push_back({key, kind, {}});
  if (kind != scan::OrderKind::contain) changed.push_back(key);
}

void ControlState::say_appliance(std::string sentence) {
  report::Event event;
  event.action = report::Action::appliance;
  event.time = now.wall;
  event.text = std::move(sentence);
  say(std::move(event));
}

bool ControlState::lift(const base::Ip& source, LiftKind kind) {
  const policy::Entry* entry = ledger.find(source);
  const bool was_real = entry != nullptr && entry->standing == policy::Standing::blocked;
  const bool is_lifted = kind == LiftKind::pardon ? ledger.pardon(source, now.monotonic)
                                                  : ledger.lift(source, now.monotonic);
  if (!is_lifted) return false;
  if (was_real) {
    order(source, scan::OrderKind::lift);
    numbers.blocks_lifted.add(1);
  }
  return true;
}

void ControlState::publish() {
  auto next = make_detection_policy(config, lists, ++generation);
  if (is_bypassed_) {
    next->enforce = false;
    add_stances(*next);
  }
  policy.publish(std::move(next));
  numbers.config_generation.set(generation);
}

void ControlState::set_bypass(bool is_on) {
  is_bypassed_ = is_on;
  numbers.is_bypassed.set(is_on ? 1 : 0);
  publish();
}

void ControlState::adopt() {
  exempt = policy::Exemptions(lists, config.table.ipv6_prefix);
  ledger.adopt(config.block.ladder, config.block.forget_after);
  budget.adopt(config.block.per_minute_max);
  needed_proof = verification_of(config).needed;
  publish();
  numbers.exemptions.set(exempt.size());
  sweep = {.is_running = true, .cursor = 0};
}

}  // namespace edgesentry::control
