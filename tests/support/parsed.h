// parse() for tests: the frame stands in front of an unreadable page, and the probe starts dirty,
// so that a field the parser forgot to set shows.
#pragma once

#include <cstring>

#include "support/frames.h"
#include "support/guarded.h"
#include "wire/parse.h"

namespace edgesentry::wire {

inline Probe parsed(const test::frames::Bytes& frame, LinkType link = LinkType::ethernet) {
  test::Guarded memory;
  Probe probe;
  std::memset(static_cast<void*>(&probe), 0xa5, sizeof(probe));
  const ParseOutcome outcome = parse(memory.hold(frame), link, probe);
  EDGESENTRY_CHECK(outcome == probe.outcome, "the outcome returned is the one in the probe");
  return probe;
}

}  // namespace edgesentry::wire
