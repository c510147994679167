// What a worker does between bursts, and when none comes.
#include <rte_pause.h>
#include <time.h>

#include "plane/worker.h"

namespace edgesentry::plane {
namespace {

constexpr std::uint32_t kOrdersPerVisit = 1024;
constexpr base::Micros kTickEvery = base::milliseconds(1);
constexpr base::Micros kAnchorEvery = base::seconds(1);

}  // namespace

// By time as well: where the core is shared, a round with its system calls may take milliseconds.
bool Worker::is_house_due() const noexcept {
  return is_idle_ || base::elapsed(last_tick_, now_) >= kTickEvery;
}

// Adopts the newest policy and patterns, obeys orders, lets the engine age its records; returns
// orders obeyed.
std::uint32_t Worker::keep_house() noexcept {
  stand_still_when_told();
  links_.policy.quiescent(settings_.id.value);
  adopt_policy();
  if (watch_ != nullptr) watch_->take_offered();
  std::array<scan::Order, 64> orders;
  std::uint32_t obeyed = 0;
  while (obeyed < kOrdersPerVisit) {
    const std::size_t count = links_.orders.pop_some(orders);
    for (std::size_t i = 0; i < count; ++i) inspector_.apply(orders[i], *policy_);
    obeyed += static_cast<std::uint32_t>(count);
    if (count < orders.size()) break;
  }
  if (base::elapsed(last_tick_, now_) >= kTickEvery) {
    last_tick_ = now_;
    inspector_.tick(now_, *policy_, outbox_);
    escalate();
    tally_.heartbeat.set(now_.value);
    tally_.policy_generation.set(policy_->generation);
  }
  if (base::elapsed(last_anchor_, now_) >= kAnchorEvery) {
    last_anchor_ = now_;
    links_.clock.re_anchor();
  }
  return obeyed;
}

void Worker::block(std::span<const base::Ip> sources) noexcept {
  const scan::DetectionPolicy& policy = links_.policy.read();
  for (const base::Ip& source : sources)
    inspector_.apply({source, scan::OrderKind::block, {}}, policy);
}

// Nothing came: poll on, pause, or sleep. A sleeper is offline, so that it holds up no policy.
void Worker::rest(std::uint32_t handled) noexcept {
  is_idle_ = false;
  if (handled > 0) return pace_.worked();
  const IdlePace::Step step = pace_.next();
  for (std::uint32_t i = 0; i < step.pauses; ++i) rte_pause();
  if (step.sleep_micros == 0) return;
  is_idle_ = true;
  tally_.sleeps.add(1);
  links_.policy.offline(settings_.id.value);
  const timespec duration{.tv_sec = 0, .tv_nsec = long{step.sleep_micros} * 1'000};
  ::nanosleep(&duration, nullptr);  // an interrupted sleep is only shorter
  links_.policy.online(settings_.id.value);
  adopt_policy();
}

// Where control cannot publish, what it published has the other policies ready.
void Worker::adopt_policy() noexcept {
  policy_ = &links_.policy.read();
  if ((stance_ & stance::kOpen) != 0 && policy_->open != nullptr)
    policy_ = policy_->open.get();
  else if ((stance_ & stance::kHold) != 0 && policy_->holding != nullptr)
    policy_ = policy_->holding.get();
}

void Worker::take_stance(std::uint32_t stance) noexcept {
  stance_ = stance;
  adopt_policy();
}

// The fault that is tried out: this lcore hangs where it is, whoever waits for it.
void Worker::stand_still_when_told() noexcept {
  constexpr timespec kStep{.tv_sec = 0, .tv_nsec = 1'000'000};
  while (asked_stance_.is_stalled(settings_.id)) ::nanosleep(&kStep, nullptr);
}

}  // namespace edgesentry::plane
