#include "verify/responder.h"

#include <algorithm>

#include "verify/frame_view.h"
#include "verify/talk.h"

namespace edgesentry::verify {

namespace {

using scan::ReplyRefusal;

bool is_host(const base::Ip& ip) noexcept {
  if (ip.is_multicast() || ip.is_unspecified() || ip.is_loopback()) return false;
  if (!ip.is_v4()) return true;
  const std::uint32_t first = ip.v4_value() >> 24;
  return first != 0 && first < 240;  // RFC 1122 section 3.2.1.3, RFC 1112 section 4
}

// One host on the wire and one in the IP header, each side; group bits as IEEE 802 has them.
bool means_one_host(const wire::Probe& probe, const FrameView& frame) noexcept {
  const bool is_group = ((frame.link[0] | frame.link[6]) & 1) != 0;
  return !is_group && probe.source != probe.target && is_host(probe.source) &&
         is_host(probe.target);
}

}  // namespace

Account Responder::account_of(const wire::Probe& probe, base::Micros now) noexcept {
  return table_.account(probe.source,
                        scan::owner_hash(settings_.key, probe.source, settings_.ipv6_prefix), now);
}

void Responder::note(const wire::Probe& probe, std::span<const std::uint8_t> frame,
                     base::Micros now) noexcept {
  // Whoever sent a tunnel is not who stands in it.
  if ((probe.traits & wire::trait::kDecapsulated) != 0) return;
  const std::uint16_t bytes = ip_bytes_of(frame);
  if (bytes > 0) CreditTable::pay(account_of(probe, now), bytes);
}

Reply Responder::reply(const wire::Probe& probe, std::span<const std::uint8_t> frame,
                       const scan::DetectionPolicy& policy, base::Micros now,
                       std::span<std::uint8_t> out) noexcept {
  const FrameRead read = read_frame(probe, frame);
  if (!read.is_answerable) return {.refusal = read.refusal};
  if (!means_one_host(probe, read.view) || policy.inside.contains(probe.source))
    return {.refusal = ReplyRefusal::address};
  const Account account = account_of(probe, now);
  CreditTable::pay(account, read.view.ip_bytes);

  const scan::Verification& terms = policy.verification;
  const std::uint32_t share = std::max(terms.replies_per_second_total / settings_.workers, 1u);
  Talk talk(cookie_key_, terms, now);
  const Said said = talk.reply_to({probe, read.view, account.credit});
  if (!said.is_answer) return {.refusal = said.refusal};
  const std::size_t cost = ip_bytes_of(said.segment);
  if (cost > account.credit) return {.refusal = ReplyRefusal::unpaid};
  if (!account.rate.allows(now, terms.replies_per_second))
    return {.refusal = ReplyRefusal::source_rate};
  if (!total_.allows(now, share)) return {.refusal = ReplyRefusal::total_rate};
  const std::size_t bytes = write_frame(said.segment, read.view.link, out);
  if (bytes == 0) return {.refusal = ReplyRefusal::buffer};
  account.credit -= static_cast<std::uint32_t>(cost);
  account.rate.take(now, terms.replies_per_second);
  total_.take(now, share);
  return {.bytes = static_cast<std::uint16_t>(bytes), .kind = said.kind};
}

}  // namespace edgesentry::verify
