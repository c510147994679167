// Who may ask the HTTP API, and how often: tokens and limits per client.
//
// The right token is never locked out by others that guess at the same address; wrong ones are
// answered ever more slowly. Memory is bounded: the clients not seen for longest make room. Any
// thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ip.h"
#include "base/result.h"

namespace edgesentry::serve {

using ApiClock = std::function<std::chrono::steady_clock::time_point()>;

enum class ApiRight { none, look, change };

struct ApiTokens {
  std::string change;
  std::string look;  // empty: there is none
};

// Reads the file, or makes it, mode 0600, with 256 random bits when it is missing; `say` is told.
// `heir`: as read_secret_file() has it; a file and a folder that are made belong to that user, so
// that a start as that user reads them too.
[[nodiscard]] base::Result<std::string> take_token(
    const std::string& key, const std::string& path,
    const std::function<void(const std::string&)>& say, std::optional<uid_t> heir = std::nullopt);

// RFC 6750: "Bearer TOKEN". The time it takes does not depend on where the token differs.
[[nodiscard]] ApiRight right_of(const ApiTokens& tokens, std::string_view authorization) noexcept;

// A token bucket per client, by address or IPv6 /64.
class ClientRates {
 public:
  struct Rate {
    double per_second = 1;
    double at_once = 1;
  };
  explicit ClientRates(Rate rate, std::size_t clients_max = 4096)
      : rate_(rate), clients_max_(clients_max) {}

  using Time = std::chrono::steady_clock::time_point;
  // nullopt: go on. Else how long to wait, at least a second.
  [[nodiscard]] std::optional<std::chrono::seconds> take(const base::Ip& client, Time now);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Bucket {
    base::Ip client;
    double left = 0;
    Time at;
  };
  const Rate rate_;
  const std::size_t clients_max_;
  mutable std::mutex mutex_;
  std::list<Bucket> buckets_;  // the one seen last stands first
  std::unordered_map<base::Ip, std::list<Bucket>::iterator, base::IpHash> index_;
};

// Everybody of an IPv6 /64 is one client.
[[nodiscard]] base::Ip client_of(const base::Ip& address) noexcept;

}  // namespace edgesentry::serve
