// One direction of one connection as a number: a keyed hash of addresses, ports and protocol.
//
// The key is drawn at start, because whoever opens connections chooses their ports: without it he
// could aim for the slot of another flow. Pure; any thread.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "signature/flow_table.h"
#include "wire/probe.h"

namespace edgesentry::signature {

using FlowHashKey = std::array<std::uint64_t, 4>;

inline FlowKey flow_key(const wire::Probe& probe, const FlowHashKey& key) noexcept {
  __extension__ using Wide = unsigned __int128;
  const auto mix = [](std::uint64_t a, std::uint64_t b) noexcept {
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const auto source = std::bit_cast<std::array<std::uint64_t, 2>>(probe.source.bytes());
  const auto target = std::bit_cast<std::array<std::uint64_t, 2>>(probe.target.bytes());
  const std::uint64_t ports = std::uint64_t{probe.source_port} << 32 |
                              std::uint64_t{probe.target_port} << 8 | probe.protocol;
  std::uint64_t hash = mix(source[0] ^ key[0], source[1] ^ key[1]);
  hash = mix(target[0] ^ hash, target[1] ^ key[2]);
  return {mix(hash ^ ports, key[3] | 1)};
}

}  // namespace edgesentry::signature
