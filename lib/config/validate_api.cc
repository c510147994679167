// Rules between the keys of the HTTP API: nobody beyond this machine is listened to in the clear.
#include "config/listen_address.h"
#include "config/validate.h"

namespace edgesentry::config {
namespace {

using Problems = std::vector<Problem>;

void check_listen(const Config& config, const Origins& origins, Problems& problems) {
  const Api& api = config.api;
  if (api.listen.empty() || origins.is_spoiled("api.listen")) return;
  const auto place = parse_api_listen(api.listen);
  if (!place) {
    problems.push_back(about(origins, "api.listen", place.error().text,
                             "Write an address and a port, for example "
                             "listen = \"127.0.0.1:9466\" or \"[::1]:9466\""));
    return;
  }
  if (place.value().address.is_loopback() || !api.tls_certificate.empty()) return;
  problems.push_back(about(origins, "api.listen",
                           "\"" + api.listen +
                               "\" is reachable from other machines, and without TLS everybody on "
                               "the way could read the token",
                           "Name a certificate with tls_certificate and tls_key, or listen on "
                           "127.0.0.1"));
}

void check_tls(const Config& config, const Origins& origins, Problems& problems) {
  const Api& api = config.api;
  if (origins.is_spoiled("api.tls_certificate") || origins.is_spoiled("api.tls_key")) return;
  if (api.tls_certificate.empty() == api.tls_key.empty()) return;
  const bool lacks_key = api.tls_key.empty();
  problems.push_back(about(origins, lacks_key ? "api.tls_certificate" : "api.tls_key",
                           lacks_key ? "has no private key" : "has no certificate",
                           lacks_key ? "Name the key's file with tls_key"
                                     : "Name the certificate's file with tls_certificate"));
}

// An IPv6 socket takes IPv6 only, so that only the API's IPv4 address can be in the way.
void check_shared_port(const Config& config, const Origins& origins, Problems& problems) {
  if (origins.is_spoiled("api.listen") || origins.is_spoiled("metrics.listen")) return;
  const auto api = parse_api_listen(config.api.listen);
  const auto metrics = parse_listen(config.metrics.listen);
  if (!api || !metrics || !api.value().address.is_v4() || api.value().port != metrics.value().port)
    return;
  const base::Ip any = base::Ip::v4(0);
  const base::Ip& one = api.value().address;
  const base::Ip& other = metrics.value().address;
  if (one != other && one != any && other != any) return;
  problems.push_back(about(origins, "api.listen",
                           "\"" + config.api.listen + "\" is where metrics.listen is (\"" +
                               config.metrics.listen + "\"), and one port has one server",
                           "Choose another port; or, since the API has /metrics too, write "
                           "[metrics] listen = \"\""));
}

void check_path(const Origins& origins, const std::string& key, const std::string& path,
                Problems& problems) {
  if (path.empty() || path.front() == '/') return;
  problems.push_back(about(origins, key, "\"" + path + "\" is not an absolute path",
                           "Begin it with /, because a service has no useful current directory"));
}

}  // namespace

void validate_api(const Config& config, const Origins& origins, Problems& problems) {
  check_listen(config, origins, problems);
  check_tls(config, origins, problems);
  const Api& api = config.api;
  check_path(origins, "api.token_file", api.token_file, problems);
  check_path(origins, "api.read_token_file", api.read_token_file, problems);
  check_path(origins, "api.tls_certificate", api.tls_certificate, problems);
  check_path(origins, "api.tls_key", api.tls_key, problems);
  check_shared_port(config, origins, problems);
}

}  // namespace edgesentry::config
