// Rows of the table `source` between damaged pages, where reading in order stops at the first one.
//
// Probes by bisection, widest gap first, and reads from each probe both ways up to the damage; the
// number of probes is bounded, so a small page between two broken ones may be missed.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "store/sqlite.h"

namespace edgesentry::store {

using Key = std::vector<std::uint8_t>;  // ordered as SQLite orders blobs

struct Hole {  // from <= address < to
  Key from;
  Key to;
};

void read_past(Database& database, Hole hole, const std::function<void(const Statement&)>& take);

}  // namespace edgesentry::store
