// The part of the metrics that workers write.
#pragma once

#include "base/units.h"
#include "serve/families.h"
#include "serve/metrics.h"

namespace edgesentry::serve {

// `created`: heartbeats of workers that have not begun yet are counted from here.
void add_worker_metrics(Families& out, const MetricsLinks& links, base::Micros now,
                        base::Micros created);

}  // namespace edgesentry::serve
