#include "xdp/drop_program.h"

#include <linux/bpf.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace edgesentry::xdp {
namespace {

constexpr std::int16_t kEtherTypeAt = 12;
constexpr std::int16_t kTagBytes = 4;
constexpr int kTagsMax = 2;
constexpr std::uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd, kVlan = 0x8100, kServiceVlan = 0x88a8;
constexpr std::int16_t kIpv4Bytes = 20, kIpv4SourceAt = 12;
constexpr std::int16_t kIpv6Bytes = 40, kIpv6SourceAt = 8;
constexpr std::int16_t kKeyAt = -16;    // on the stack
constexpr std::int16_t kIndexAt = -24;  // there, of an array's element

// What every part uses the same way.
constexpr Reg kData = Reg::r7, kEnd = Reg::r8, kFamily = Reg::r9;

struct Build {
  const MapDescriptors& maps;
  Assembler code;
  Label pass = code.label(), found_v4 = code.label(), found_v6 = code.label();

  // Ends with a pass unless so many bytes of the packet are there.
  void need(std::int16_t bytes) {
    code.move(Reg::r1, kData);
    code.add(Reg::r1, bytes);
    code.jump_if_above(Reg::r1, kEnd, pass);
  }

  // r0: the value, or a pass without one.
  void look_up(int map, std::int16_t key_at) {
    code.move(Reg::r2, Reg::r10);
    code.add(Reg::r2, key_at);
    code.move_map(Reg::r1, map);
    code.call(BPF_FUNC_map_lookup_elem);
    code.jump_if_equal(Reg::r0, 0, pass);
  }

  void source_v4(std::int16_t header_at) {
    need(static_cast<std::int16_t>(header_at + kIpv4Bytes));
    code.load(Width::u32, Reg::r2, kData, static_cast<std::int16_t>(header_at + kIpv4SourceAt));
    code.store(Width::u32, Reg::r10, kKeyAt, Reg::r2);
    code.jump(found_v4);
  }

  void source_v6(std::int16_t header_at, std::uint8_t prefix) {
    std::array<std::uint8_t, 16> mask{};
    for (unsigned bit = 0; bit < prefix && bit < 128; ++bit)
      mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 0x80u >> bit % 8);
    need(static_cast<std::int16_t>(header_at + kIpv6Bytes));
    for (std::int16_t half = 0; half < 16; half = static_cast<std::int16_t>(half + 8)) {
      std::uint64_t bits = 0;  // in the order of the packet's bytes, whatever that of the machine
      std::memcpy(&bits, mask.data() + half, sizeof bits);
      code.load(Width::u64, Reg::r2, kData,
                static_cast<std::int16_t>(header_at + kIpv6SourceAt + half));
      code.move_wide(Reg::r3, bits);
      code.and_with(Reg::r2, Reg::r3);
      code.store(Width::u64, Reg::r10, static_cast<std::int16_t>(kKeyAt + half), Reg::r2);
    }
    code.jump(found_v6);
  }

  void parse(std::uint8_t ipv6_prefix) {
    for (int tags = 0; tags <= kTagsMax; ++tags) {
      const auto type_at = static_cast<std::int16_t>(kEtherTypeAt + tags * kTagBytes);
      const auto header_at = static_cast<std::int16_t>(type_at + 2);
      const Label v4 = code.label(), v6 = code.label(), tag = code.label();
      need(header_at);
      code.load(Width::u16, Reg::r2, kData, type_at);
      code.jump_if_equal(Reg::r2, htons(kIpv4), v4);
      code.jump_if_equal(Reg::r2, htons(kIpv6), v6);
      if (tags < kTagsMax) {
        code.jump_if_equal(Reg::r2, htons(kVlan), tag);
        code.jump_if_equal(Reg::r2, htons(kServiceVlan), tag);
      }
      code.jump(pass);
      code.place(v4);
      source_v4(header_at);
      code.place(v6);
      source_v6(header_at, ipv6_prefix);
      code.place(tag);
    }
  }

  void decide() {
    const Label hit = code.label(), in_force = code.label();
    code.place(found_v4);
    code.move(kFamily, 0);
    look_up(maps.v4, kKeyAt);
    code.jump(hit);
    code.place(found_v6);
    code.move(kFamily, 1);
    look_up(maps.v6, kKeyAt);

    code.place(hit);
    code.load(Width::u64, Reg::r6, Reg::r0, 0);
    code.jump_if_equal(Reg::r6, 0, in_force);
    code.call(BPF_FUNC_ktime_get_ns);
    code.jump_if_not_below(Reg::r0, Reg::r6, pass);

    code.place(in_force);
    code.store(Width::u32, Reg::r10, kIndexAt, 0);
    look_up(maps.bypass, kIndexAt);
    code.load(Width::u32, Reg::r1, Reg::r0, 0);
    code.jump_if_not_equal(Reg::r1, 0, pass);

    code.store(Width::u32, Reg::r10, kIndexAt, kFamily);
    look_up(maps.drops, kIndexAt);
    code.load(Width::u64, Reg::r1, Reg::r0, 0);
    code.add(Reg::r1, 1);
    code.store(Width::u64, Reg::r0, 0, Reg::r1);
    code.move(Reg::r0, XDP_DROP);
    code.exit();
    code.place(pass);
    code.move(Reg::r0, XDP_PASS);
    code.exit();
  }
};

}  // namespace

std::vector<bpf_insn> drop_program(const MapDescriptors& maps, std::uint8_t ipv6_prefix) {
  Build build{.maps = maps, .code = {}};
  build.code.load(Width::u32, kData, Reg::r1, offsetof(xdp_md, data));
  build.code.load(Width::u32, kEnd, Reg::r1, offsetof(xdp_md, data_end));
  build.parse(ipv6_prefix);
  build.decide();
  return build.code.finish();
}

}  // namespace edgesentry::xdp
