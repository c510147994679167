#include "doctor/doctor.h"

#include <algorithm>
#include <iterator>

#include "doctor/checks.h"

namespace edgesentry::doctor {

Findings examine(const Patient& patient) {
  Findings all;
  for (const auto check : {check_memory, check_cores, check_speed, check_nodes, check_cpu,
                           check_devices, check_appliance, check_rights, check_kernel})
    std::ranges::move(check(patient), std::back_inserter(all));
  // What files and sockets say is as long as they like.
  constexpr std::size_t kNameMax = 80, kTextMax = 1000;
  for (Finding& finding : all) {
    finding.check.resize(std::min(finding.check.size(), kNameMax));
    for (std::string* text : {&finding.found, &finding.why, &finding.fix})
      text->resize(std::min(text->size(), kTextMax));
  }
  return all;
}

Status worst(const Findings& findings) noexcept {
  Status worst = Status::ok;
  for (const Finding& finding : findings) worst = std::max(worst, finding.status);
  return worst;
}

}  // namespace edgesentry::doctor
