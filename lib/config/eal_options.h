// The options that rte_eal_init() of DPDK 22.11 takes, because it can be tried only once in a
// process and ends a wrong one with a page of usage. Pure; any thread.
#pragma once

#include <span>
#include <string>

#include "base/result.h"

namespace edgesentry::config {

// Fails for the first word that begins with a dash and is no option of EAL's, or one that ends the
// process with a page of text instead of starting it. Values of options are not looked at.
[[nodiscard]] base::Status check_eal_options(std::span<const std::string> words);

}  // namespace edgesentry::config
