// /metrics over everything that runs: joins what nic, plane, control and report count into serve's
// links. Owned by main; gone before anything that it reads.
#pragma once

#include <memory>

#include "base/result.h"
#include "config/config.h"
#include "edgesentryd/controller.h"
#include "edgesentryd/nics.h"
#include "edgesentryd/outlets.h"
#include "plane/plane.h"
#include "serve/metrics_server.h"
#include "serve/telemetry.h"

namespace edgesentry::appliance {

struct Observed {
  const config::Config& config;
  const Nics& nics;
  const plane::Plane& plane;
  Controller& controller;
  const Outlets& outlets;
  const control::Conditions& conditions;
  const serve::ApiNumbers* api = nullptr;  // nullptr: there is no HTTP API
};

// No server when the configuration wants none; the HTTP API shows the metrics all the same. The
// server only borrows what it shows.
struct Observatory {
  std::shared_ptr<prometheus::Collectable> metrics;
  std::unique_ptr<serve::MetricsServer> server;
  serve::Telemetry telemetry;
};
[[nodiscard]] base::Result<Observatory> serve_metrics(const Observed& observed);

}  // namespace edgesentry::appliance
