// The end of an NftEnforcer: the one call of it that waits.
#include <fmt/format.h>

#include <algorithm>

#include "enforce/nft_enforcer.h"

namespace edgesentry::enforce {

namespace {

// A program that was silent for so long is not waited for.
constexpr base::Micros kSilenceMost = base::seconds(1);

}  // namespace

// What went wrong; empty: nothing.
std::string NftEnforcer::ask_last(NftAsk last, base::Micros limit) {
  bool is_asked = false;
  std::vector<std::byte> frame;
  const base::Micros until = settings_.now() + limit;
  for (base::Micros now = settings_.now(); now < until; now = settings_.now()) {
    if (silence(now) >= kSilenceMost) break;
    if (!is_asked) is_asked = send(last, now);
    const NftLink::Got got = link_.receive(frame);
    if (got == NftLink::Got::gone) return fmt::format("{} has ended", settings_.names.program);
    if (got == NftLink::Got::nothing) {
      link_.wait(std::chrono::milliseconds(5));
      continue;
    }
    heard_ = now;
    const auto reply = decode_nft_reply(frame);
    if (!reply || reply.value().ask != last) continue;
    return reply.value().is_done ? std::string() : reply.value().text;
  }
  may_be_there_ = true;  // who knows what it has done
  return fmt::format("{} does not answer", settings_.names.program);
}

base::Status NftEnforcer::stop(AtStop what, std::chrono::milliseconds limit) {
  if (!has_ever_opened_) return {};
  const base::Micros most = base::milliseconds(static_cast<std::uint64_t>(limit.count()));
  // While everybody is to pass there is nothing to keep.
  const bool removes = what == AtStop::remove || is_bypassed_;
  const NftAsk last = removes ? NftAsk::remove : NftAsk::quit;
  std::string fault = fmt::format("{} is not there to clean up", settings_.names.program);
  if (is_open_) fault = ask_last(last, most);
  if (!fault.empty() && removes) {
    link_.close();
    waiting_.clear();
    const base::Status opened = link_.open();
    fault = opened.ok() ? ask_last(last, most) : opened.error().text;
  }
  link_.close();
  waiting_.clear();
  is_open_ = false;
  health_.is_in_force = false;
  if (fault.empty() || !may_be_there_) return {};
  return base::Error{fmt::format("{}: {}; {}", settings_.names.filter, fault, by_hand())};
}

}  // namespace edgesentry::enforce
