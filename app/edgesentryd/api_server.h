// The HTTP API of the appliance: what it needs from the machine, taken before anything is opened,
// and the server over the control thread's mailbox. Owned by main; stopped before the controller.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "edgesentryd/controller.h"
#include "edgesentryd/observatory.h"
#include "serve/api.h"
#include "serve/event_feed.h"
#include "serve/http_listener.h"
#include "serve/http_server.h"

namespace edgesentry::appliance {

struct ApiPlace {
  std::unique_ptr<serve::HttpListener> listener;  // nullptr: the configuration wants no API
  std::unique_ptr<serve::EventFeed> feed;
  serve::ApiTokens tokens;
  std::string certificate, key;
};
// `heir`: the user that this process becomes; files may be that user's.
[[nodiscard]] base::Result<ApiPlace> take_api_place(
    const config::Api& api, const std::function<void(const std::string&)>& say,
    std::optional<uid_t> heir);

// The same for files only, and those that it would make are not made.
[[nodiscard]] base::Status check_api_files(const config::Api& api, std::optional<uid_t> heir);

class ApiServer {
 public:
  // nullptr when there is no place. The controller, the metrics and place.feed outlive it.
  static base::Result<std::unique_ptr<ApiServer>> start(const config::Api& config, ApiPlace& place,
                                                        Controller& controller,
                                                        const Observatory& observatory);

 private:
  explicit ApiServer(std::unique_ptr<serve::Api> api) : api_(std::move(api)) {}
  std::unique_ptr<serve::Api> api_;
  std::unique_ptr<serve::HttpServer> server_;
};

}  // namespace edgesentry::appliance
