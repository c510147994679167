#include "enforce/nft_enforcer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace edgesentry::enforce {

namespace {

constexpr std::size_t kRequestsUnderWay = 4;
constexpr std::uint32_t kPage = 4096;
constexpr std::uint32_t kSample = 256;
constexpr int kPagesPerRound = 4;
static_assert(kPage <= kNftElementsMax);
constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

constexpr base::Micros kPatienceFirst = base::milliseconds(500);
constexpr base::Micros kPatienceMost = base::seconds(30);
constexpr base::Micros kLasted = base::seconds(10);

// A longer limit is renewed by the next replay, long before it is over.
constexpr std::uint64_t kTimeoutMax = 14 * 24 * 3600;

base::Micros doubled(base::Micros patience) {
  return std::clamp(base::Micros{2 * patience.value}, kPatienceFirst, kPatienceMost);
}

}  // namespace

NftEnforcer::NftEnforcer(NftLink& link, Settings settings)
    : link_(link), settings_(std::move(settings)), may_be_there_(settings_.is_there_before) {
  health_.is_in_force = false;
}

void NftEnforcer::submit(std::span<const scan::Order> orders) {
  for (const scan::Order& order : orders) {
    if (order.kind == scan::OrderKind::contain) continue;  // no block, nor the end of one
    if (changed_.size() == kChangedMax) {
      changed_.clear();
      ++health_.overflows;
      want_replay({});
    }
    changed_.insert(order.source);
    is_lift_waiting_ = is_lift_waiting_ || order.kind == scan::OrderKind::lift;
  }
}

void NftEnforcer::reconcile(const policy::Ledger& ledger) {
  const base::Micros now = settings_.now();
  if (!is_up(now)) return;
  read_replies(now);
  if (is_open_ && must_greet_ && send(NftAsk::hello, now)) must_greet_ = false;
  if (!is_open_ || !is_greeted_ || must_greet_) return;
  if (is_bypassed_) {
    if (must_pass_ && send(NftAsk::pass, now)) must_pass_ = false;
    return;
  }
  let_in(ledger);
  send_changes(ledger, now);
  if (replay_ == Replay::none && base::elapsed(replayed_, now) >= kReplayEvery) want_replay({});
  replay(ledger, now);
  if (base::elapsed(checked_, now) < kCheckEvery || !has_room()) return;
  const bool is_settled = replay_ == Replay::none && changed_.empty();
  NftRequest check{.ask = NftAsk::check, .elements = {}};
  if (is_settled) check.elements = sample(ledger, now);
  if (send(std::move(check), now, is_settled ? room_.held(ledger.blocked()) : kUnknown))
    checked_ = now;
}

// Round by round through the ledger.
std::vector<NftElement> NftEnforcer::sample(const policy::Ledger& ledger, base::Micros now) {
  std::array<const policy::Entry*, kSample> entries;
  const auto page = ledger.page(sample_cursor_, kSample, entries);
  sample_cursor_ = page.next;
  std::vector<NftElement> elements;
  for (std::size_t i = 0; i < page.count; ++i)
    if (entries[i]->standing == policy::Standing::blocked && !room_.waits(entries[i]->source))
      elements.push_back(element_of(entries[i]->source, entries[i], now));
  return elements;
}

void NftEnforcer::set_bypass(bool is_on) {
  if (is_on == is_bypassed_) return;
  is_bypassed_ = must_pass_ = is_on;
  is_lift_waiting_ = is_lift_waiting_ || is_on;
  has_passed_ = false;
  must_greet_ = !is_on && is_open_;
  if (must_greet_) is_greeted_ = false;
  want_replay({});
}

bool NftEnforcer::is_up(base::Micros now) {
  if (is_open_) return true;
  if (now < open_again_) return false;
  if (has_ever_opened_) ++health_.restarts;
  has_ever_opened_ = true;
  const base::Status opened = link_.open();
  is_open_ = opened.ok();
  if (!is_open_) {
    lose(opened.error().text, now);
    return false;
  }
  opened_ = now;
  is_greeted_ = false;
  waiting_.clear();
  changed_.clear();  // the replay knows better
  replay_ = Replay::wanted;
  replay_not_before_ = {};
  must_pass_ = is_bypassed_;
  has_passed_ = false;
  must_greet_ = false;
  return send(NftAsk::hello, now);
}

void NftEnforcer::read_replies(base::Micros now) {
  std::vector<std::byte> frame;
  while (is_open_) {
    const NftLink::Got got = link_.receive(frame);
    if (got == NftLink::Got::gone)
      return lose(fmt::format("{} has ended", settings_.names.program), now);
    if (got == NftLink::Got::nothing) break;
    const auto reply = decode_nft_reply(frame);
    if (!reply)
      return lose(
          fmt::format("{} answers nonsense: {}", settings_.names.program, reply.error().text), now);
    if (waiting_.empty() || reply.value().sequence != waiting_.front().sequence ||
        reply.value().ask != waiting_.front().ask)
      return lose(reply.value().text.empty()
                      ? fmt::format("{} answers what nobody asked", settings_.names.program)
                      : reply.value().text,
                  now);
    const Waiting about = waiting_.front();
    waiting_.pop_front();
    heard_ = now;
    take_reply(reply.value(), about, now);
  }
  forget_lifts();
  give_up_silent(now);
}

void NftEnforcer::take_reply(const NftReply& reply, const Waiting& about, base::Micros now) {
  may_be_there_ = true;  // one that refuses may have done a part
  if (!reply.is_done) return take_failure(reply, now);
  take_drops(reply.drops);
  switch (reply.ask) {
    case NftAsk::hello:
      is_greeted_ = true;
      return;
    case NftAsk::batch:
      health_.sent += about.elements;
      break;
    case NftAsk::end:
      replayed_ = now;
      replay_patience_ = {};
      say_whole();
      return;
    case NftAsk::check:
      take_check(reply, about);
      return;
    case NftAsk::pass:
      has_passed_ = is_bypassed_;
      may_be_there_ = !settings_.names.passes_by_removal;
      return;
    default:
      break;
  }
  if (!reply.is_mended) return;
  ++health_.repairs;
  want_replay(fmt::format("{} had been changed by somebody else", settings_.names.things));
}

void NftEnforcer::take_drops(std::uint64_t drops) {
  const bool has_begun_anew = drops < drops_read_;
  health_.packets += has_begun_anew ? drops : drops - drops_read_;
  drops_read_ = drops;
}

void NftEnforcer::take_check(const NftReply& reply, const Waiting& about) {
  place_ = reply.text;
  if (reply.has_counts) health_.programmed = reply.fewest;
  if (reply.is_mended) {
    ++health_.repairs;
    want_replay(fmt::format("{} had been changed by somebody else", settings_.names.things));
    return;
  }
  if (about.expected == kUnknown || !is_whole_) return;
  if (!reply.has_counts) health_.programmed = about.expected;
  const bool is_right =
      !reply.has_counts || (reply.fewest == about.expected && reply.most == about.expected);
  if (is_right && reply.missing == 0) return;
  ++health_.repairs;
  want_replay("it held other sources than are blocked, or not for as long");
}

void NftEnforcer::take_failure(const NftReply& reply, base::Micros now) {
  ++health_.failures;
  if (!is_of_room(reply, now)) have_trouble(reply.text);
  if (reply.ask == NftAsk::hello) {
    lose(reply.text, now);
    return;
  }
  want_replay({});
  replay_patience_ = doubled(replay_patience_);
  replay_not_before_ = now + replay_patience_;
}

void NftEnforcer::lose(std::string why, base::Micros now) {
  link_.close();
  waiting_.clear();
  want_replay({});
  // One that had worked for a while is missed at once.
  const bool has_lasted =
      is_greeted_ && opened_ != base::Micros{} && base::elapsed(opened_, now) >= kLasted;
  patience_ = has_lasted ? base::Micros{} : doubled(patience_);
  is_open_ = is_greeted_ = false;
  open_again_ = now + patience_;
  opened_ = {};
  have_trouble(std::move(why));
}

bool NftEnforcer::has_room() const noexcept {
  return is_open_ && waiting_.size() < kRequestsUnderWay;
}

bool NftEnforcer::send(NftRequest request, base::Micros now, std::uint64_t expected) {
  request.sequence = sequence_ + 1;
  if (!link_.send(encode(request))) return false;
  ++sequence_;
  const bool is_change = request.ask == NftAsk::batch;
  waiting_.push_back(
      {request.ask, sequence_, now, is_change ? request.elements.size() : 0, expected});
  return true;
}

bool NftEnforcer::send(NftAsk ask, base::Micros now) {
  return send({.ask = ask, .elements = {}}, now, kUnknown);
}

NftElement NftEnforcer::element_of(const base::Ip& source, const policy::Entry* entry,
                                   base::Micros now) const {
  if (entry == nullptr || entry->standing != policy::Standing::blocked) return {.source = source};
  if (entry->until == policy::kForever) return {.source = source, .is_blocked = true};
  const std::uint64_t left =
      (base::elapsed(now, entry->until).value + settings_.margin.value + 999'999) / 1'000'000;
  return {source, true,
          static_cast<std::uint32_t>(std::clamp<std::uint64_t>(left, 1, kTimeoutMax))};
}

void NftEnforcer::send_changes(const policy::Ledger& ledger, base::Micros now) {
  while (!changed_.empty() && has_room()) {
    NftRequest request{.ask = NftAsk::batch, .elements = {}};
    for (const base::Ip& source : changed_) {
      if (request.elements.size() == kNftElementsMax) break;
      request.elements.push_back(place_of(ledger, source, ledger.find(source), now));
    }
    if (!send(request, now, kUnknown)) return;
    for (const NftElement& element : request.elements) changed_.erase(element.source);
  }
}

void NftEnforcer::replay(const policy::Ledger& ledger, base::Micros now) {
  if (replay_ == Replay::wanted && now >= replay_not_before_ && has_room() &&
      send(NftAsk::begin, now)) {
    replay_ = Replay::running;
    cursor_ = 0;
    is_whole_ = false;
  }
  std::array<const policy::Entry*, kPage> entries;
  for (int pages = 0; pages < kPagesPerRound && replay_ == Replay::running && has_room(); ++pages) {
    const auto page = ledger.page(cursor_, kPage, entries);
    NftRequest request{.ask = NftAsk::batch, .elements = {}};
    for (std::size_t i = 0; i < page.count; ++i)
      if (entries[i]->standing == policy::Standing::blocked)
        request.elements.push_back(place_of(ledger, entries[i]->source, entries[i], now));
    if (!request.elements.empty() && !send(std::move(request), now, kUnknown)) return;
    cursor_ = page.next;
    // Without room for the end, the last page is sent once more: it changes nothing.
    if (cursor_ == 0 && send(NftAsk::end, now)) replay_ = Replay::none;
  }
}

void NftEnforcer::want_replay(std::string why) {
  replay_ = Replay::wanted;
  is_whole_ = false;
  if (!why.empty()) repair_ = std::move(why);
}

void NftEnforcer::have_trouble(std::string trouble) {
  health_.is_in_force = false;
  is_whole_ = false;
  if (trouble == trouble_) return;
  set_trouble(std::move(trouble));
  settings_.say(
      fmt::format("{}: {}; {}", settings_.names.filter, trouble_, settings_.names.without));
}

void NftEnforcer::say_whole() {
  if (replay_ != Replay::none) return;  // another one is wanted already
  is_whole_ = true;
  health_.is_in_force = true;
  if (!trouble_.empty())
    settings_.say(fmt::format("{}: it works again, and every block is in force in the kernel",
                              settings_.names.filter));
  else if (!repair_.empty())
    settings_.say(
        fmt::format("{}: {}; all is as it should be again", settings_.names.filter, repair_));
  set_trouble({});
  repair_.clear();
}

Health NftEnforcer::health() const noexcept {
  Health health = health_;
  health.pending = changed_.size();
  for (const Waiting& each : waiting_) health.pending += each.elements;
  health.waiting = room_.waiting();
  health.is_reconciling = replay_ != Replay::none;
  health.is_passing = !is_bypassed_ || has_passed_;
  if (!waiting_.empty() && base::elapsed(waiting_.front().sent, settings_.now()) >= kDoubtAfter)
    health.is_in_force = false;
  return health;
}

}  // namespace edgesentry::enforce
