// One expression as Hyperscan sees it: its flags, and what is wrong with it in words.
// Private to this folder; any thread; allocates.
#pragma once

#include <optional>
#include <string>

#include "signature/pattern.h"

namespace edgesentry::signature {

// Logins are counted one by one; of everything else the first place in a payload or stream will do.
unsigned hyperscan_flags(const Pattern& pattern);

// What Hyperscan's parser refuses, and what this library refuses: expressions that match nothing at
// all, or only at the end of the data, which a stream does not have. nullopt: none of it.
std::optional<std::string> expression_fault(const Pattern& pattern);

// The same after a whole compilation, which also finds expressions that are too large.
std::optional<std::string> compile_fault(const Pattern& pattern);

}  // namespace edgesentry::signature
