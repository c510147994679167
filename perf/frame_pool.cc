#include "frame_pool.h"

#include <algorithm>

#include "support/frames.h"

namespace edgesentry::perf {
namespace {

using test::frames::Bytes, test::frames::ethernet, test::frames::filler, test::frames::icmp,
    test::frames::ipv4, test::frames::ipv6, test::frames::tcp, test::frames::udp,
    test::frames::vlan, test::frames::operator+;

struct Kind {
  Bytes bytes;
  std::uint32_t address_at;
};

constexpr std::uint32_t kV4Address = 14 + 12, kVlanAddress = 18 + 12, kV6Address = 14 + 12;

// What stands in front of a web farm, by rough shares of frames: most are TCP of the connections,
// some of them SYNs with the options of a kernel, and a little of everything else.
std::vector<Kind> mixed_kinds() {
  const Bytes syn_options = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
  const Bytes syn = ethernet(0x0800) + ipv4({}, tcp({.to = 443, .options = syn_options}));
  const Bytes ack =
      ethernet(0x0800) + ipv4({.fragment = 0x4000}, tcp({.to = 443, .flags = 0x10})) + filler(6);
  const Bytes data = ethernet(0x0800) + ipv4({}, tcp({.to = 443, .flags = 0x18}) + filler(60));
  const Bytes dns = ethernet(0x0800) + ipv4({.protocol = 17}, udp(5353, 53, filler(32)));
  const Bytes ping = ethernet(0x0800) + ipv4({.protocol = 1}, icmp(8, 0, filler(56)));
  const Bytes v6 = ethernet(0x86dd) + ipv6({}, tcp({.to = 443}));
  const Bytes tagged =
      ethernet(0x8100) + vlan(7, 0x0800) + ipv4({}, tcp({.to = 443, .flags = 0x10}));
  return {{syn, kV4Address},  {ack, kV4Address},  {data, kV4Address}, {ack, kV4Address},
          {data, kV4Address}, {dns, kV4Address},  {ack, kV4Address},  {ping, kV4Address},
          {v6, kV6Address},   {data, kV4Address}, {syn, kV4Address},  {tagged, kVlanAddress},
          {ack, kV4Address},  {dns, kV4Address},  {v6, kV6Address},   {data, kV4Address}};
}

// 60 bytes and the frame check sequence, which no driver hands up, make 64 on the wire.
std::vector<Kind> syn64_kinds() {
  const Bytes syn = ethernet(0x0800) + ipv4({}, tcp({.to = 443})) + filler(6);
  return {{syn, kV4Address}};
}

}  // namespace

FramePool::FramePool(Mix mix, std::uint32_t sources)
    : sources_(sources),
      order_(std::max<std::uint32_t>(sources / kPoolFrames, 1)),
      storage_(kPoolFrames * kSlot + base::kCacheLine) {
  const auto kinds = mix == Mix::syn64 ? syn64_kinds() : mixed_kinds();
  base_ = base::kCacheLine - reinterpret_cast<std::uintptr_t>(storage_.data()) % base::kCacheLine;
  std::uint32_t random = 1;
  for (std::size_t i = 0; i < kPoolFrames; ++i) {
    random = random * 1664525u + 1013904223u;
    const Kind& kind = kinds[(random >> 16) % kinds.size()];
    std::uint8_t* slot = storage_.data() + base_ + i * kSlot;
    std::memcpy(slot, kind.bytes.data(), kind.bytes.size());
    frames_.push_back({slot, static_cast<std::uint32_t>(kind.bytes.size()), kind.address_at});
  }
  for (std::size_t i = 0; i < kPoolFrames; i += 64) {
    at_ = i;
    patch(64);
  }
  at_ = 0;
}

}  // namespace edgesentry::perf
