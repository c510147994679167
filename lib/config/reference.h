// The configuration written out: the reference page, and a whole file from a tree.
// Printed from the table of fields, so neither can be out of date. Pure functions.
#pragma once

#include <string>

#include "config/config.h"

namespace edgesentry::config {

std::string reference_markdown();  // docs/configuration.md

// Every key with its value, as a file that loads to the same tree.
std::string effective_toml(const Config& config);

}  // namespace edgesentry::config
