// The open connections of the HTTP API: how many, whose, and until when each has to be through.
//
// libmicrohttpd's own timeout begins anew with every byte, which is what a client that drips them
// lives on. Here the whole of a request has one deadline. A connection is cut off by shutting its
// socket down; the library then closes it, on its own thread, after closed() was called.
//
// Who holds connections without a token shuts nobody out: at a limit the newcomer takes the place
// of one whose last request, if there was any, showed no right token. The newcomer's own address
// gives one up first, its oldest, and then whoever is there for longest. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <unordered_map>

#include "base/ip.h"
#include "serve/api_numbers.h"

namespace edgesentry::serve {

class HttpConnections {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr Time kNever = Time::max();
  // Cut off, and not closed yet by the library's threads: so many beside those that count.
  static constexpr std::uint32_t kLeavingMax = 256;

  struct Limits {
    std::uint32_t all = 256;
    std::uint32_t of_client = 64;
  };
  HttpConnections(Limits limits, ApiNumbers& numbers) : limits_(limits), numbers_(numbers) {}

  [[nodiscard]] bool may_enter(const base::Ip& client);  // counts what it refuses
  void opened(const void* id, int fd, const base::Ip& client, Time deadline);
  void closed(const void* id);
  void set_deadline(const void* id, Time deadline);
  void set_known(const void* id, bool is_known);  // by a token
  void cut(const void* id);
  void cut_overdue(Time now);
  void cut_all();

 private:
  using Ids = std::list<const void*>;
  struct Client {
    std::uint32_t count = 0;
    Ids strangers;  // the oldest stands first
  };
  struct Entry {
    int fd = -1;
    base::Ip client;
    Time deadline;
    bool is_cut = false;
    bool is_known = false;
    Ids::iterator among_all, among_client;  // of a stranger that is not cut
  };
  void shut(Entry& entry) noexcept;
  void enlist(const void* id, Entry& entry);
  void strike(Entry& entry) noexcept;
  [[nodiscard]] bool make_room(const Client* client);

  const Limits limits_;
  ApiNumbers& numbers_;
  std::mutex mutex_;
  std::unordered_map<const void*, Entry> entries_;
  std::uint32_t leaving_ = 0;                                   // of entries_: cut
  Ids strangers_;                                               // the oldest stands first
  std::unordered_map<base::Ip, Client, base::IpHash> clients_;  // who has any that is not cut
};

}  // namespace edgesentry::serve
