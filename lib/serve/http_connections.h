// The open connections of the HTTP API: how many, whose, and until when each has to be through.
//
// libmicrohttpd's own timeout begins anew with every byte, which is what a client that drips them
// lives on. Here the whole of a request has one deadline. A connection is cut off by shutting its
// socket down; the library then closes it, on its own thread, after closed() was called.
// Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/ip.h"
#include "serve/api_numbers.h"

namespace edgesentry::serve {

class HttpConnections {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr Time kNever = Time::max();

  struct Limits {
    std::uint32_t all = 256;
    std::uint32_t of_client = 64;
  };
  HttpConnections(Limits limits, ApiNumbers& numbers) : limits_(limits), numbers_(numbers) {}

  [[nodiscard]] bool may_enter(const base::Ip& client);  // counts what it refuses
  void opened(const void* id, int fd, const base::Ip& client, Time deadline);
  void closed(const void* id);
  void set_deadline(const void* id, Time deadline);
  void cut(const void* id);
  void cut_overdue(Time now);
  void cut_all();

 private:
  struct Entry {
    int fd = -1;
    base::Ip client;
    Time deadline;
    bool is_cut = false;
  };
  static void shut(Entry& entry) noexcept;

  const Limits limits_;
  ApiNumbers& numbers_;
  std::mutex mutex_;
  std::unordered_map<const void*, Entry> entries_;
  std::unordered_map<base::Ip, std::uint32_t, base::IpHash> of_client_;
};

}  // namespace edgesentry::serve
