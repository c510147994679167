#include "xdp/attachment.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>

#include <cstring>

namespace edgesentry::xdp {
namespace {

std::uint32_t flag_of(Mode mode) {
  return mode == Mode::native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
}

// libbpf gives errno, negative.
base::Status settled(int result, std::string_view what) {
  if (result >= 0) return {};
  return base::Error{fmt::format("{} failed: {}", what, std::strerror(-result))};
}

}  // namespace

std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::none:
      return "none";
    case Mode::native:
      return "native";
    case Mode::generic:
      return "generic";
    case Mode::other:
      break;
  }
  return "other";
}

base::Result<Attached> attached_to(unsigned interface) {
  LIBBPF_OPTS(bpf_xdp_query_opts, found);
  const int result = bpf_xdp_query(static_cast<int>(interface), 0, &found);
  if (base::Status done = settled(result, "asking for the XDP program"); !done) return done.error();
  switch (found.attach_mode) {
    case XDP_ATTACHED_NONE:
      return Attached{};
    case XDP_ATTACHED_DRV:
      return Attached{Mode::native, found.drv_prog_id};
    case XDP_ATTACHED_SKB:
      return Attached{Mode::generic, found.skb_prog_id};
    default:
      return Attached{Mode::other, found.prog_id};
  }
}

base::Status attach(const Place& place) {
  LIBBPF_OPTS(bpf_xdp_attach_opts, options);
  std::uint32_t flags = flag_of(place.mode);
  if (place.instead_of >= 0)
    options.old_prog_fd = place.instead_of;
  else
    flags |= XDP_FLAGS_UPDATE_IF_NOEXIST;
  return settled(bpf_xdp_attach(static_cast<int>(place.interface), place.program, flags, &options),
                 fmt::format("attaching the XDP program ({})", name_of(place.mode)));
}

base::Status detach(unsigned interface, int program, Mode mode) {
  LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = program);
  return settled(bpf_xdp_detach(static_cast<int>(interface), flag_of(mode), &options),
                 "detaching the XDP program");
}

}  // namespace edgesentry::xdp
