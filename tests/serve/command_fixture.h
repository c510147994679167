// A command server in a directory of its own, with a clock that the test turns.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "client.h"
#include "serve/command_server.h"

namespace edgesentry::serve {

using nlohmann::json;
using std::chrono::milliseconds;

inline json echo(const json& request, const Peer& peer) {
  if (request.contains("bytes"))
    return {{"ok", true}, {"filler", std::string(request["bytes"].get<std::size_t>(), 'x')}};
  if (request.contains("throw")) throw std::runtime_error("out of order");
  return {{"ok", true}, {"echo", request}, {"uid", peer.uid}};
}

class CommandServerTest : public testing::Test {
 protected:
  void start(CommandServer::Handler handler, CommandServer::Settings settings = {}) {
    settings.path = path();
    settings.now = [this] { return Connection::Time(milliseconds(now_ms_.load())); };
    auto server = CommandServer::start(std::move(settings), std::move(handler));
    ASSERT_TRUE(server.ok()) << server.error().text;
    server_ = std::move(server).value();
  }
  [[nodiscard]] std::string path() const { return directory_ / "socket"; }
  void advance(milliseconds time) { now_ms_ += time.count(); }
  [[nodiscard]] const CommandNumbers& numbers() const { return server_->numbers(); }

  SocketDirectory directory_;
  std::atomic<std::int64_t> now_ms_{1'000'000};
  std::unique_ptr<CommandServer> server_;
};

}  // namespace edgesentry::serve
