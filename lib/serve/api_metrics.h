// The part of the metrics that the HTTP API's threads write.
#pragma once

#include "serve/api_numbers.h"
#include "serve/families.h"

namespace edgesentry::serve {

void add_api_metrics(Families& out, const ApiNumbers& numbers);

}  // namespace edgesentry::serve
