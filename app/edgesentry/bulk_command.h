// block --file and unblock --file: all addresses of a file, or none.
//
// The appliance takes a thousand at once. A longer list is shown to it whole before the first of
// them changes anything; what may still come between, such as a block that ends meanwhile, is told
// with how much is done already.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>

#include "base/result.h"
#include "daemon_commands.h"

namespace edgesentry::cli {

// How many; `request` holds what is the same for all of them.
[[nodiscard]] base::Result<std::size_t> change_many(const DaemonArguments& arguments,
                                                    nlohmann::json request);

}  // namespace edgesentry::cli
