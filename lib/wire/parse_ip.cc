#include "wire/cursor.h"
#include "wire/fragment.h"
#include "wire/parse.h"

namespace edgesentry::wire {

namespace {

constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragmentHeader = 44, kAh = 51, kNoNext = 59,
                       kDestination = 60, kMobility = 135, kHip = 139, kShim6 = 140;

// What one extension header says about the next, RFC 8200 section 4 and RFC 4302 section 2.2.
struct Step {
  bool is_extension = true;
  std::size_t bytes = 0;
};

Step extension_step(std::uint8_t header, const std::uint8_t* at) noexcept {
  switch (header) {
    case kHopByHop:
    case kRouting:
    case kDestination:
    case kMobility:
    case kHip:
    case kShim6:
      return {.bytes = (std::size_t{at[1]} + 1) * 8};
    case kFragmentHeader:
      return {.bytes = 8};
    case kAh:
      return {.bytes = (std::size_t{at[1]} + 2) * 4};
    default:
      return {.is_extension = false};
  }
}

bool is_extension(std::uint8_t header) noexcept {
  constexpr std::uint8_t kAny[2] = {0, 0};
  return extension_step(header, kAny).is_extension;
}

}  // namespace

ParseOutcome parse_ipv4(Cursor& cursor, Probe& probe) noexcept {
  if (!cursor.has(20)) return ParseOutcome::truncated_ip;
  const std::uint8_t* at = cursor.at();
  if (at[0] >> 4 != 4) return ParseOutcome::bad_ip_version;
  const std::size_t header = std::size_t{at[0] & 0x0fu} * 4;
  if (header < 20) return ParseOutcome::bad_ip_header_length;
  const std::uint16_t total = load16(at + 2);
  if (total < header) return ParseOutcome::bad_ip_total_length;
  if (!cursor.has(header)) return ParseOutcome::truncated_ip;

  probe.source = load_ipv4(at + 12);
  probe.target = load_ipv4(at + 16);
  probe.identification = load16(at + 4);
  probe.ttl = at[8];
  probe.protocol = at[9];
  const std::uint16_t fragment = load16(at + 6);  // flags and offset, RFC 791 section 3.1
  std::uint8_t traits = probe.traits & trait::kDecapsulated;
  if (header > 20) traits |= trait::kIpOptions;
  if (fragment & 0x4000) traits |= trait::kDontFragment;
  if (fragment & 0x3fff) traits |= trait::kFragment;
  probe.traits = traits;

  cursor.limit(total);
  cursor.skip(header);
  const auto payload = static_cast<std::uint32_t>(total - header);
  if (fragment & 0x1fff) {
    probe.payload_bytes = static_cast<std::uint16_t>(payload);
    note_later_fragment(probe, static_cast<std::uint16_t>(fragment << 3 | (fragment >> 13 & 1)));
    return ParseOutcome::later_fragment;
  }
  const ParseOutcome outcome =
      parse_transport(cursor, {.protocol = at[9], .ip_payload = payload}, probe);
  if (fragment & 0x2000) note_first_fragment(probe, outcome, payload);
  return outcome;
}

ParseOutcome parse_ipv6(Cursor& cursor, Probe& probe) noexcept {
  if (!cursor.has(40)) return ParseOutcome::truncated_ip;
  const std::uint8_t* fixed = cursor.at();
  if (fixed[0] >> 4 != 6) return ParseOutcome::bad_ip_version;
  std::uint32_t payload = load16(fixed + 4);
  std::uint8_t next = fixed[6];
  const base::Ip source = load_ipv6(fixed + 8), target = load_ipv6(fixed + 24);
  // An IPv4-mapped address has no place on the wire (RFC 4942 section 2.2), and would be taken for
  // the IPv4 host whose name it forges. Such a packet is nobody's.
  if (source.is_v4() || target.is_v4()) return ParseOutcome::not_ip;
  probe.source = source;
  probe.target = target;
  probe.ttl = fixed[7];
  probe.traits = (probe.traits & trait::kDecapsulated) | trait::kIpv6;
  cursor.skip(40);
  cursor.limit(payload);

  std::uint32_t fragment_bytes = 0;  // of a first fragment
  int headers = 0;
  for (; is_extension(next); ++headers) {
    if (headers == cursor.headers_left()) return ParseOutcome::too_many_headers;
    if (!cursor.has(8)) return ParseOutcome::truncated_extension;
    const std::uint8_t* at = cursor.at();
    const Step step = extension_step(next, at);
    if (!cursor.has(step.bytes) || payload < step.bytes) return ParseOutcome::truncated_extension;
    if (next == kFragmentHeader) {
      const std::uint16_t fragment = load16(at + 2);  // RFC 8200 section 4.5: offset, 2 bits, M
      probe.identification = static_cast<std::uint16_t>(load32(at + 4));
      // An atomic fragment (offset 0, no more; RFC 6946) is a whole packet.
      if (fragment & 0xfff9) probe.traits |= trait::kFragment;
      if (fragment & 0xfff8) {
        probe.protocol = at[0];
        probe.payload_bytes = static_cast<std::uint16_t>(payload - step.bytes);
        note_later_fragment(probe, fragment);
        return ParseOutcome::later_fragment;
      }
      if (fragment & 1) fragment_bytes = payload - static_cast<std::uint32_t>(step.bytes);
    }
    next = at[0];
    payload -= static_cast<std::uint32_t>(step.bytes);
    cursor.skip(step.bytes);
  }
  cursor.pay(headers);
  if (next == kNoNext) return ParseOutcome::not_ip;
  probe.protocol = next;
  const ParseOutcome outcome =
      parse_transport(cursor, {.protocol = next, .ip_payload = payload}, probe);
  if (fragment_bytes > 0) note_first_fragment(probe, outcome, fragment_bytes);
  return outcome;
}

}  // namespace edgesentry::wire
