// Which program an interface runs for the packets it receives, and putting ours there. Never
// replaces or removes a program that the caller does not name.
//
// One thread; needs CAP_NET_ADMIN. A program that is attached stays when the process ends.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace edgesentry::xdp {

enum class Mode : std::uint8_t {
  none,
  native,   // the driver runs it, before there is a packet buffer
  generic,  // the kernel runs it, behind any driver
  other,    // the NIC's own processor, or several at once
};
[[nodiscard]] std::string_view name_of(Mode mode);

struct Attached {
  Mode mode = Mode::none;
  std::uint32_t program_id = 0;
};

[[nodiscard]] base::Result<Attached> attached_to(unsigned interface);

struct Place {
  unsigned interface = 0;
  int program = -1;
  int instead_of = -1;  // a program that is attached in `mode`; -1: none may be
  Mode mode = Mode::native;
};
[[nodiscard]] base::Status attach(const Place& place);
// Refused when another program than `program` is attached in that mode.
[[nodiscard]] base::Status detach(unsigned interface, int program, Mode mode);

}  // namespace edgesentry::xdp
