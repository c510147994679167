// The end of an NftEnforcer: the one call of it that waits.
#include <fmt/format.h>

#include "enforce/nft_enforcer.h"

namespace edgesentry::enforce {

base::Status NftEnforcer::stop(AtStop what, std::chrono::milliseconds limit) {
  if (!has_ever_opened_) return {};
  if (!is_open_)
    return base::Error{fmt::format("{}: {} is not there to clean up; {}", settings_.names.filter,
                                   settings_.names.program, settings_.names.by_hand)};
  const base::Micros until =
      settings_.now() + base::milliseconds(static_cast<std::uint64_t>(limit.count()));
  bool is_asked = false, is_over = false;
  std::vector<std::byte> frame;
  const NftAsk last = what == AtStop::remove ? NftAsk::remove : NftAsk::quit;
  std::string fault = fmt::format("{} did not answer in time", settings_.names.program);
  for (base::Micros now = settings_.now(); !is_over && now < until; now = settings_.now()) {
    if (!is_asked) is_asked = send(last, now);
    const NftLink::Got got = link_.receive(frame);
    if (got == NftLink::Got::nothing) link_.wait(std::chrono::milliseconds(5));
    if (got == NftLink::Got::gone) fault = fmt::format("{} has ended", settings_.names.program);
    if (got == NftLink::Got::gone) break;
    if (got == NftLink::Got::nothing) continue;
    const auto reply = decode_nft_reply(frame);
    if (!reply || reply.value().ask != last) continue;
    is_over = true;
    if (!reply.value().is_done) fault = reply.value().text;
    if (reply.value().is_done) fault.clear();
  }
  link_.close();
  is_open_ = false;
  health_.is_in_force = false;
  if (fault.empty()) return {};
  return base::Error{
      fmt::format("{}: {}; {}", settings_.names.filter, fault, settings_.names.by_hand)};
}

}  // namespace edgesentry::enforce
