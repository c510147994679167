// Any bytes as a frame of each link type. The first byte chooses the type.
#include <cstring>
#include <span>

#include "fuzz/fuzz.h"
#include "support/sample_frames.h"
#include "wire/parse.h"

using edgesentry::wire::LinkType;
using edgesentry::wire::ParseOutcome;
using edgesentry::wire::Probe;

namespace {

constexpr LinkType kLinks[] = {LinkType::ethernet, LinkType::raw_ip, LinkType::linux_sll,
                               LinkType::linux_sll2, LinkType::bsd_null};

void check(const Probe& probe, ParseOutcome outcome, std::size_t size) {
  EDGESENTRY_CHECK(static_cast<std::size_t>(outcome) < edgesentry::wire::kParseOutcomes,
                   "each input ends in a named outcome");
  EDGESENTRY_CHECK(probe.outcome == outcome, "the probe names its own outcome");
  EDGESENTRY_CHECK(probe.payload_offset <= size, "a payload lies inside its frame");
  if (outcome == ParseOutcome::tcp)
    EDGESENTRY_CHECK(probe.payload_offset >= 40, "TCP stands behind an IP and a TCP header");
  if (outcome == ParseOutcome::other_protocol)
    EDGESENTRY_CHECK(probe.target_port == probe.protocol, "a protocol scan names its protocol");
  if (outcome == ParseOutcome::later_fragment)
    EDGESENTRY_CHECK(probe.traits & edgesentry::wire::trait::kFragment, "a fragment says so");
  if (probe.traits & edgesentry::wire::trait::kDecapsulated)
    EDGESENTRY_CHECK(
        outcome != ParseOutcome::truncated_link || probe.source == edgesentry::base::Ip{},
        "no address of the outside is told as one of the inside");
  const bool is_fragment = probe.traits & edgesentry::wire::trait::kFragment;
  if (probe.quoted_protocol != 0)
    EDGESENTRY_CHECK(outcome == ParseOutcome::icmp || is_fragment, "only ICMP errors quote");
}

// The short way says what the long one says, or nothing.
void compare_ways(std::span<const std::uint8_t> frame) {
  Probe by_short, by_long;
  std::memset(static_cast<void*>(&by_short), 0x55, sizeof(by_short));
  if (!edgesentry::wire::parse_common(frame, by_short)) return;
  parse_any(frame, LinkType::ethernet, by_long);
  EDGESENTRY_CHECK(std::memcmp(&by_short, &by_long, sizeof(by_long)) == 0,
                   "both ways through the parser end in the same probe");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const LinkType link = kLinks[data[0] % std::size(kLinks)];
  Probe probe, again;
  std::memset(static_cast<void*>(&probe), 0xff, sizeof(probe));
  const ParseOutcome outcome = parse({data + 1, size - 1}, link, probe);
  check(probe, outcome, size - 1);
  std::memset(static_cast<void*>(&again), 0, sizeof(again));
  parse({data + 1, size - 1}, link, again);
  EDGESENTRY_CHECK(std::memcmp(&probe, &again, sizeof(probe)) == 0,
                   "a probe depends on the bytes alone, not on what was there before");
  if (link == LinkType::ethernet) compare_ways({data + 1, size - 1});
  return 0;
}

namespace {

// Fragments as they are used to slip past filters, and packets in packets up to the limit and past
// it, each of them in every kind of tunnel.
std::vector<edgesentry::test::frames::SampleFrame> awkward_frames() {
  namespace frames = edgesentry::test::frames;
  using frames::operator+;
  const frames::Bytes syn = frames::tcp({});
  const frames::Bytes tiny(syn.begin(), syn.begin() + 8);  // RFC 1858 section 3: no flags in it
  const frames::Bytes rest(syn.begin() + 8, syn.end());
  std::vector<frames::SampleFrame> all;
  const auto add = [&all](const frames::Bytes& v4, const frames::Bytes& v6) {
    for (auto& frame : frames::tunnels_with(v4, v6, ParseOutcome::tcp))
      all.push_back(std::move(frame));
  };
  const auto v6_part = [](std::uint16_t offset, bool more, const frames::Bytes& body) {
    return frames::ipv6({.next = 44}, frames::fragment(6, offset, more) + body);
  };
  add(frames::ipv4({.fragment = 0x2000}, tiny), v6_part(0, true, tiny));
  add(frames::ipv4({.fragment = 0x0001}, rest), v6_part(1, false, rest));  // overlaps the flags
  add(frames::ipv4({.fragment = 0x2001}, tiny), v6_part(1, true, tiny));
  add(frames::ipv4({.fragment = 0x1fff}, syn), v6_part(0x1fff, false, syn));  // past the end
  frames::Bytes inner4 = frames::ipv4({}, syn), inner6 = frames::ipv6({}, syn);
  for (int depth = 0; depth <= edgesentry::wire::kHeadersMax; ++depth) {
    inner4 = frames::ipv4({.protocol = 4}, inner4);
    inner6 = frames::ipv6({.next = 41}, inner6);
    add(inner4, inner6);
  }
  return all;
}

}  // namespace

std::vector<edgesentry::fuzz::Bytes> edgesentry::fuzz::seeds() {
  std::vector<Bytes> all;
  auto samples = test::frames::sample_frames();
  for (auto& frame : awkward_frames()) samples.push_back(std::move(frame));
  for (const auto& sample : samples)
    for (std::size_t link = 0; link < std::size(kLinks); ++link)
      if (kLinks[link] == sample.link) {
        Bytes input = {static_cast<std::uint8_t>(link)};
        input.insert(input.end(), sample.bytes.begin(), sample.bytes.end());
        all.push_back(std::move(input));
      }
  return all;
}
