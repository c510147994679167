// One packet line of a scenario, spread out into its packets. See scenario.h for the words.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "scenario.h"
#include "words.h"

namespace edgesentry::test {

// `words` without the time in front; packets are appended, from `start` on.
base::Status expand_line(const Words& words, base::Micros start, std::vector<TimedPacket>& into);

}  // namespace edgesentry::test
