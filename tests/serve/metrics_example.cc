// Serves metrics with a known number in each until its input ends; prints its port first. With
// --markdown it prints docs/metrics.md instead.
#include <cstdio>
#include <iostream>
#include <string_view>

#include "full_links.h"
#include "serve/metric_table.h"
#include "serve/metrics_server.h"

int main(int count, char** arguments) {
  if (count > 1 && std::string_view(arguments[1]) == "--markdown") {
    std::cout << edgesentry::serve::metrics_markdown();
    return 0;
  }
  edgesentry::serve::Appliance appliance;
  const auto metrics = std::make_shared<edgesentry::serve::Metrics>(appliance.links());
  const auto server = edgesentry::serve::MetricsServer::start("127.0.0.1:0", metrics);
  if (!server.ok()) {
    std::cerr << server.error().text << '\n';
    return 1;
  }
  std::cout << server.value()->port() << std::endl;
  while (std::getchar() != EOF) {
  }
  return 0;
}
