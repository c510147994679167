// What the drop program looks up, in the kernel: created, found again behind a program of an
// earlier run, changed element by element.
//
// One thread. What the kernel refuses is an Error with its words. Elements take memory only while
// they are there; the room for `elements_max` of them is that for the buckets, 16 bytes each.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "xdp/descriptor.h"
#include "xdp/drop_program.h"

namespace edgesentry::xdp {

struct Held {
  base::Ip source;
  std::uint64_t until_ns = 0;  // of CLOCK_MONOTONIC; 0: for ever
};

enum class Put : std::uint8_t { done, full };

class DropMaps {
 public:
  // For so many sources of each family.
  static base::Result<DropMaps> create(std::uint32_t elements_max);
  // Those of a loaded program, if it is one of ours of this layout. Needs CAP_SYS_ADMIN.
  static std::optional<DropMaps> of_program(int program);

  base::Result<Put> put(const Held& held);
  base::Status erase(const base::Ip& source);  // one that is absent is none of its troubles
  [[nodiscard]] base::Result<std::optional<Held>> find(const base::Ip& source) const;
  [[nodiscard]] base::Result<std::vector<Held>> all() const;

  [[nodiscard]] base::Result<bool> is_bypassed() const;
  base::Status set_bypass(bool is_on);
  [[nodiscard]] base::Result<std::uint64_t> drops() const;  // packets, of all CPUs
  [[nodiscard]] std::uint32_t elements_max() const noexcept { return elements_max_; }
  [[nodiscard]] MapDescriptors descriptors() const noexcept;

 private:
  Descriptor v4_, v6_, bypass_, drops_;
  std::uint32_t elements_max_ = 0;
};

// The program over these maps, loaded. Needs CAP_BPF and CAP_NET_ADMIN.
[[nodiscard]] base::Result<Descriptor> load(const DropMaps& maps, std::uint8_t ipv6_prefix);

// 0: the kernel does not say.
[[nodiscard]] std::uint32_t id_of_program(int program);

}  // namespace edgesentry::xdp
