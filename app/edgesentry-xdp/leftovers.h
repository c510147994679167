// Programs that an earlier run left attached to interfaces of this network namespace where nothing
// wants them any more. Ours are told by their name and their maps, as a new run tells the one that
// it takes over; others' are not touched.
//
// One thread, once: find() needs CAP_SYS_ADMIN, without which no program can be looked at, and
// settle() CAP_NET_ADMIN.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "enforce/leftover.h"
#include "xdp/attachment.h"
#include "xdp/descriptor.h"

namespace edgesentry::xdp {

class Leftovers {
 public:
  // On `wanted` interfaces the next run of this program sees to them.
  static base::Result<Leftovers> find(const std::vector<std::string>& wanted);
  // Detaches what is ours and no running program keeps; what was there.
  [[nodiscard]] std::vector<enforce::Leftover> settle() const;

 private:
  struct Place {
    std::string device;
    unsigned index = 0;
    Attached attached;
    Descriptor program;
    bool is_wanted = false, is_claimed = false;
  };
  [[nodiscard]] static enforce::Leftover take_away(const Place& place);

  std::vector<Place> ours_;
  std::vector<std::string> hidden_;  // interfaces whose program may not be looked at
};

}  // namespace edgesentry::xdp
