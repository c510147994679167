// The operator's commands over a unix socket: one JSON object per line in, one per line out. Access
// is by the permissions of the socket file; the handler is told who asks.
//
// One thread looks after all connections and never waits for a client or a handler; a few more run
// the handler. Hostile clients cost nobody but themselves: lines, replies, connections and the time
// to ask or to read are bounded, and what is cut off is counted. At the limit of connections the
// one that has been idle longest gives way; root and our own user never give way to others.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/result.h"
#include "serve/command_numbers.h"
#include "serve/connection.h"
#include "serve/socket_file.h"

namespace edgesentry::serve {

class CommandServer {
 public:
  // Called on a pool thread with an object; what it throws becomes an error reply.
  using Handler = std::function<nlohmann::json(const nlohmann::json& request, const Peer& peer)>;

  struct Settings {
    std::string path;
    std::string group;  // empty: owner only
    std::size_t connections_max = 64;
    std::uint32_t handler_threads = 4;
    std::size_t reply_bytes_max = std::size_t{4} << 20;
    std::chrono::milliseconds idle_max{60'000};    // from one request to the next
    std::chrono::milliseconds unread_max{10'000};  // until a reply has been read whole
    std::function<bool(const Peer&)> comes_first = [](const Peer& peer) {
      return peer.uid == 0 || peer.uid == ::geteuid();
    };
    std::function<Connection::Time()> now = [] { return std::chrono::steady_clock::now(); };
  };

  static base::Result<std::unique_ptr<CommandServer>> start(Settings settings, Handler handler);
  // Over a socket that was made before; `settings.path` and `settings.group` are its own.
  static base::Result<std::unique_ptr<CommandServer>> start(Settings settings, Handler handler,
                                                            std::unique_ptr<SocketFile> socket);
  ~CommandServer();  // ends the threads, waits for handlers under way, removes the socket
  CommandServer(const CommandServer&) = delete;
  CommandServer& operator=(const CommandServer&) = delete;

  [[nodiscard]] const CommandNumbers& numbers() const noexcept;

 private:
  class Loop;
  explicit CommandServer(std::unique_ptr<Loop> loop);

  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace edgesentry::serve
