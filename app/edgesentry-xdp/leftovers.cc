#include "edgesentry-xdp/leftovers.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

#include "enforce/claim.h"
#include "xdp/drop_maps.h"

namespace edgesentry::xdp {
namespace {

using Kind = enforce::Leftover::Kind;

// A program that has lost its edgesentryd may still be in the midst of a batch.
constexpr std::chrono::milliseconds kOrphanPatience{1'000};
constexpr std::size_t kNamedMost = 8;

}  // namespace

base::Result<Leftovers> Leftovers::find(const std::vector<std::string>& wanted) {
  const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> all(::if_nameindex(),
                                                                              &if_freenameindex);
  if (!all)
    return base::Error{fmt::format("interfaces cannot be listed: {}", std::strerror(errno))};
  Leftovers found;
  for (const struct if_nameindex* each = all.get(); each->if_index != 0; ++each) {
    const auto attached = attached_to(each->if_index);
    if (!attached || attached.value().mode == Mode::none) continue;
    Place place{.device = each->if_name,
                .index = each->if_index,
                .attached = attached.value(),
                .program = Descriptor(bpf_prog_get_fd_by_id(attached.value().program_id)),
                .is_wanted = std::ranges::find(wanted, each->if_name) != wanted.end()};
    if (!place.program.is_open()) {
      if (!place.is_wanted && errno == EPERM) found.hidden_.push_back(place.device);
      continue;
    }
    if (!DropMaps::of_program(place.program.number())) continue;
    place.is_claimed =
        !place.is_wanted &&
        enforce::is_claimed(enforce::program_claim(place.attached.program_id), kOrphanPatience);
    found.ours_.push_back(std::move(place));
  }
  return found;
}

enforce::Leftover Leftovers::take_away(const Place& place) {
  const std::string what = fmt::format("the program edgesentry_drop (number {}) on {}",
                                       place.attached.program_id, place.device);
  if (place.is_wanted) return {Kind::present, what};
  if (place.is_claimed)
    return {Kind::others,
            fmt::format("xdp: {} is kept by another EdgeSentry that runs here, and is left alone",
                        what)};
  const base::Status gone = detach(place.index, place.program.number(), place.attached.mode);
  if (gone)
    return {Kind::removed, fmt::format("xdp: {}, which an earlier run left and this configuration "
                                       "does not want, is detached",
                                       what)};
  return {Kind::left,
          fmt::format("xdp: {}, which an earlier run left, could not be detached at the start "
                      "({}); what it drops stays dropped until: ip link set dev {} xdp off",
                      what, gone.error().text, place.device)};
}

std::vector<enforce::Leftover> Leftovers::settle() const {
  std::vector<enforce::Leftover> told;
  for (const Place& place : ours_) told.push_back(take_away(place));
  if (hidden_.empty()) return told;
  std::string names;
  for (std::size_t i = 0; i < std::min(hidden_.size(), kNamedMost); ++i)
    names += (i == 0 ? "" : ", ") + hidden_[i];
  if (hidden_.size() > kNamedMost) names += ", ...";
  told.push_back(
      {Kind::left,
       fmt::format(
           "xdp: without CAP_SYS_ADMIN it could not be told at the start whether an earlier "
           "run left the program on {}; where `ip -details link show` names edgesentry_drop "
           "it may still drop, until: ip link set dev INTERFACE xdp off",
           names)});
  return told;
}

}  // namespace edgesentry::xdp
