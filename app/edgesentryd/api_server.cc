#include "edgesentryd/api_server.h"

#include <prometheus/text_serializer.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <utility>

#include "base/clock.h"
#include "config/read_file.h"
#include "config/secret_file.h"
#include "serve/start_check.h"

namespace edgesentry::appliance {
namespace {

constexpr std::size_t kCertificateMax = 64 * 1024;       // a chain of several
constexpr base::Micros kStandsAfter = base::seconds(2);  // as edgesentry_up has it

base::Status take_tls(const config::Api& api, ApiPlace& place, std::optional<uid_t> heir) {
  if (api.tls_certificate.empty()) return {};
  config::FileText certificate = config::read_file(api.tls_certificate, kCertificateMax);
  if (certificate.problem)
    return base::Error{"api.tls_certificate: " + certificate.problem->to_string()};
  auto key = config::read_secret_file("api.tls_key", api.tls_key, heir);
  if (!key) return key.error();
  place.certificate = std::move(certificate.text);
  place.key = std::move(key).value();
  return serve::check_tls(place.certificate, place.key);
}

}  // namespace

base::Result<ApiPlace> take_api_place(const config::Api& api,
                                      const std::function<void(const std::string&)>& say,
                                      std::optional<uid_t> heir) {
  ApiPlace place;
  if (api.listen.empty()) return place;
  auto token = serve::take_token("api.token_file", api.token_file, say, heir);
  if (!token) return token.error();
  place.tokens.change = std::move(token).value();
  if (!api.read_token_file.empty()) {
    auto look = serve::take_token("api.read_token_file", api.read_token_file, say, heir);
    if (!look) return look.error();
    place.tokens.look = std::move(look).value();
  }
  if (base::Status tls = take_tls(api, place, heir); !tls) return tls.error();
  auto listener = serve::HttpListener::listen(api.listen);
  if (!listener) return listener.error();
  place.listener = std::move(listener).value();
  const auto run = static_cast<std::uint64_t>(
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
  place.feed = std::make_unique<serve::EventFeed>(run, api.streams_max);
  return place;
}

base::Status check_api_files(const config::Api& api, std::optional<uid_t> heir) {
  const auto nobody = [](const std::string&) {};
  for (const auto& [key, path] : {std::pair("api.token_file", &api.token_file),
                                  std::pair("api.read_token_file", &api.read_token_file)}) {
    struct stat found {};
    if (path->empty() || (::lstat(path->c_str(), &found) != 0 && errno == ENOENT)) continue;
    if (const auto token = serve::take_token(key, *path, nobody, heir); !token)
      return token.error();
  }
  ApiPlace place;
  return take_tls(api, place, heir);
}

base::Result<std::unique_ptr<ApiServer>> ApiServer::start(const config::Api& config,
                                                          ApiPlace& place, Controller& controller,
                                                          const Observatory& observatory) {
  if (!place.listener) return std::unique_ptr<ApiServer>();
  auto api = std::make_unique<serve::Api>(
      serve::Api::Settings{.tokens = std::move(place.tokens),
                           .requests_per_second = config.requests_per_second,
                           .body_max = config.body_max,
                           .version = EDGESENTRY_VERSION},
      serve::Api::Links{
          .ask =
              [&controller](nlohmann::json request) { return controller.ask(std::move(request)); },
          .metrics =
              [metrics = observatory.metrics] {
                return prometheus::TextSerializer().Serialize(metrics->Collect());
              },
          .is_alive =
              [&numbers = controller.numbers()] {
                return base::elapsed({numbers.heartbeat.value()}, base::monotonic_now()) <=
                       kStandsAfter;
              },
          .numbers = place.feed->numbers()});
  std::unique_ptr<ApiServer> server(new ApiServer(std::move(api)));
  auto started = serve::HttpServer::start(
      {.limits = {.all = config.connections_max, .of_client = config.connections_per_client},
       .timeout = config.timeout,
       .certificate = std::move(place.certificate),
       .key = std::move(place.key)},
      std::move(place.listener), *server->api_, *place.feed);
  if (!started) return started.error();
  server->server_ = std::move(started).value();
  return server;
}

}  // namespace edgesentry::appliance
