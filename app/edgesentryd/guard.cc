#include "edgesentryd/guard.h"

#include <fmt/format.h>

#include <utility>

#include "config/fields.h"
#include "nic/burst.h"
#include "nic/kernel_link.h"

namespace edgesentry::appliance {
namespace {

using control::Condition;

// One that was lost is back within this time; while it is longer away, no block is in force.
constexpr base::Micros kUnfilteredLimit = base::seconds(5);

std::string_view word(std::string_view key, auto chosen) {
  return config::find_field(key)->words[static_cast<std::size_t>(chosen)];
}

base::Micros micros(std::chrono::milliseconds time) {
  return base::milliseconds(static_cast<std::uint64_t>(time.count()));
}

}  // namespace

control::Conditions::Actions actions_of(const config::Failure& failure) {
  return {word("failure.table_full", failure.table_full),
          word("failure.ring_full", failure.ring_full),
          word("failure.no_buffers", failure.no_buffers),
          word("failure.rules_full", failure.rules_full),
          word("failure.control_stalled", failure.control_stalled),
          word("failure.worker_stalled", failure.worker_stalled),
          word("failure.disk_full", failure.disk_full),
          "keep",
          word("failure.link_down", failure.link_down),
          "say"};
}

Guard::Guard(Links links)
    : links_(std::move(links)),
      numbers_(links_.controller.numbers()),
      held_down_(links_.nics.ports().size()) {
  if (links_.config.failure.link_down != config::LinkDown::propagate) return;
  // An earlier run that was killed may have left one down.
  for (const nic::Port& port : links_.nics.ports())
    if (port.kernel_index() != 0 && !nic::read_kernel_link(port.kernel_index()).is_wanted)
      if (base::Status up = port.set_link(true); !up) links_.say(up.error().text);
}

Guard::~Guard() {
  for (std::size_t i = 0; i < held_down_.size(); ++i)
    if (held_down_[i]) pass_on(i, true);
}

std::optional<std::string> Guard::look(const Watchdog& watchdog, base::Micros now) {
  now_ = now;
  look_at_threads(watchdog);
  look_at_table();
  look_at_rings();
  look_at_buffers();
  look_at_rules();
  look_at_disk();
  look_at_clock();
  look_at_links();
  look_at_filters();
  links_.plane.stance().take(stance());

  const config::Failure& failure = links_.config.failure;
  const base::Micros limit = micros(std::max(failure.restart_after, failure.stalled_after));
  if (failure.worker_stalled == config::WorkerStalled::restart)
    for (std::size_t i = 0; i < links_.plane.tallies().size(); ++i)
      if (watchdog.silence_of(i) >= limit)
        return fmt::format("worker {} stands still, and only a new start mends that", i);
  if (failure.control_stalled == config::ControlStalled::restart &&
      watchdog.silence_of_control() >= limit)
    return "the control thread stands still, and only a new start mends that";
  return std::nullopt;
}

void Guard::see(Condition condition, bool is_seen, std::string_view what) {
  links_.conditions.look(condition, is_seen, what, now_);
}

void Guard::look_at_threads(const Watchdog& watchdog) {
  std::string standing;
  for (std::size_t i = 0; i < links_.plane.tallies().size(); ++i)
    if (watchdog.stands(watchdog.silence_of(i)))
      standing += fmt::format("{}worker {}", standing.empty() ? "" : ", ", i);
  see(Condition::worker_stalled, !standing.empty(),
      standing + " stands still: the core is taken, or it hangs");
  see(Condition::control_stalled, watchdog.stands(watchdog.silence_of_control()),
      "the control thread stands still: no alert is answered, and no block ends");
}

void Guard::look_at_table() {
  const std::uint64_t blocks = numbers_.blocks_active.value() + numbers_.blocks_shadow.value();
  const bool is_refusing = refused_blocks_.has_grown(numbers_.blocks_refused.value());
  const bool is_shedding = shed_blocks_.has_grown(numbers_.blocks_shed.value());
  see(Condition::table_full, is_refusing || is_shedding || blocks >= links_.config.table.blocks,
      fmt::format("table.blocks ({}) has no room for another block", links_.config.table.blocks));
}

void Guard::look_at_rings() {
  std::uint64_t refused = 0;
  for (const scan::Tally* worker : links_.plane.tallies())
    refused += worker->alerts_refused.value();
  const bool is_alerts = refused_alerts_.has_grown(refused);
  const bool is_orders = numbers_.orders_pending.value() > 0;
  const bool is_events = refused_events_.has_grown(links_.outlets.dispatcher().refused());
  std::string what = is_alerts ? "alerts find no room on their way to control" : "";
  if (is_orders) what += std::string(what.empty() ? "" : "; ") + "orders wait for a worker";
  if (is_events) what += std::string(what.empty() ? "" : "; ") + "events find no room to the logs";
  see(Condition::ring_full, !what.empty(), what);
}

void Guard::look_at_buffers() {
  std::uint64_t misses = 0;
  for (const nic::Port& port : links_.nics.ports()) misses += port.stats().rx_no_buffer;
  const bool is_missing = no_buffers_.has_grown(misses);
  see(Condition::no_buffers, is_missing || links_.nics.pool().shared() < nic::kBurst,
      fmt::format("of {} packet buffers (workers.mbufs) none is free", links_.nics.pool().size()));
}

void Guard::look_at_rules() {
  const bool is_kernel = numbers_.kernel.waiting.value() + numbers_.xdp.waiting.value() > 0;
  const bool is_nic = numbers_.rules.waiting.value() > 0;
  see(Condition::rules_full, is_kernel || is_nic,
      fmt::format(
          "blocks wait for room in {}",
          is_kernel ? "the kernel" : "the NIC's drop rules; the workers drop their packets"));
}

void Guard::look_at_disk() {
  std::string what;
  if (const store::Keeper* keeper = links_.controller.keeper();
      keeper != nullptr && keeper->is_degraded())
    what = fmt::format("{} cannot be written", keeper->path());
  for (const report::SinkHealth& log : links_.outlets.logs())
    if (what.empty() && !log.trouble.empty())
      what = fmt::format("the {} log {} cannot be written", log.name, log.place);
  see(Condition::disk_full, !what.empty(), what);
}

void Guard::look_at_clock() {
  see(Condition::clock_step, clock_steps_.has_grown(numbers_.clock_steps.value()),
      "the wall clock was set; blocks last as long as they were to, and their ends are written "
      "anew");
}

// Inline, the workers drop.
void Guard::look_at_filters() {
  const control::KernelNumbers &tables = numbers_.kernel, &xdp = numbers_.xdp;
  const bool is_one_wanted = tables.is_used.value() + xdp.is_used.value() > 0 &&
                             links_.config.placement != config::Placement::inline_ &&
                             numbers_.is_bypassed.value() == 0;
  const bool is_one_in_force = tables.is_in_force.value() + xdp.is_in_force.value() > 0;
  if (!is_one_wanted || is_one_in_force)
    unfiltered_.reset();
  else if (!unfiltered_)
    unfiltered_ = now_;
  const bool is_seen = unfiltered_ && base::elapsed(*unfiltered_, now_) >= kUnfilteredLimit;
  if (!is_seen) return see(Condition::filter_down, false, {});
  const std::string trouble = links_.controller.filter_trouble();
  see(Condition::filter_down, true,
      fmt::format("no packet filter of the kernel works, and no new block is in force: {}",
                  trouble.empty() ? "its program does not answer" : trouble));
}

// Ports stand in pairs, outside and inside, where the appliance is inline.
void Guard::look_at_links() {
  const std::vector<nic::Port>& ports = links_.nics.ports();
  const bool propagates = links_.config.failure.link_down == config::LinkDown::propagate &&
                          links_.config.placement == config::Placement::inline_;
  std::string what;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (held_down_[i]) continue;
    const bool is_up = ports[i].link_is_up();
    if (!is_up) what += fmt::format("{}{}", what.empty() ? "" : ", ", ports[i].label());
    if (propagates && is_up == held_down_[i ^ 1]) pass_on(i ^ 1, is_up);
  }
  see(Condition::link_down, !what.empty(), what + ": no link");
}

void Guard::pass_on(std::size_t port, bool is_up) {
  const nic::Port& other = links_.nics.ports()[port];
  // One that is down by itself needs nobody to take it down.
  if (!is_up && !other.link_is_up()) return;
  held_down_[port] = !is_up;
  if (base::Status done = other.set_link(is_up); !done) links_.say(done.error().text);
}

std::uint32_t Guard::stance() const {
  const config::Failure& failure = links_.config.failure;
  const control::Conditions& now = links_.conditions;
  std::uint32_t bits = 0;
  if (now.is_active(Condition::control_stalled)) {
    bits |= failure.control_stalled == config::ControlStalled::open     ? plane::stance::kOpen
            : failure.control_stalled == config::ControlStalled::closed ? plane::stance::kClosed
                                                                        : plane::stance::kHold;
  }
  if ((now.is_active(Condition::ring_full) && failure.ring_full == config::RingFull::open) ||
      (now.is_active(Condition::disk_full) && failure.disk_full == config::DiskFull::open))
    bits |= plane::stance::kHold;
  if (now.is_active(Condition::worker_stalled) &&
      failure.worker_stalled == config::WorkerStalled::open)
    bits |= plane::stance::kPassUnowned;
  if (now.is_active(Condition::no_buffers) && failure.no_buffers == config::NoBuffers::shed)
    bits |= plane::stance::kNoReplies;
  return bits;
}

}  // namespace edgesentry::appliance
