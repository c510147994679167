// What workers found inside packets. Part of a scrape, on its thread; counters are only read.
#pragma once

#include "serve/families.h"
#include "serve/metrics.h"

namespace edgesentry::serve {

void add_payload_metrics(Families& out, const MetricsLinks& links);

}  // namespace edgesentry::serve
