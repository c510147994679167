#include "serve/command_server.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "serve/command_loop.h"
#include "serve/socket_file.h"

namespace edgesentry::serve {

base::Result<std::unique_ptr<CommandServer>> CommandServer::start(Settings settings,
                                                                  Handler handler) {
  auto listener = SocketFile::listen(settings.path, settings.group);
  if (!listener.ok()) return listener.error();
  return start(std::move(settings), std::move(handler), std::move(listener).value());
}

base::Result<std::unique_ptr<CommandServer>> CommandServer::start(
    Settings settings, Handler handler, std::unique_ptr<SocketFile> socket) {
  auto loop = std::make_unique<Loop>(std::move(settings), std::move(handler), std::move(socket));
  if (base::Status opened = loop->open(); !opened.ok()) return opened.error();
  return std::unique_ptr<CommandServer>(new CommandServer(std::move(loop)));
}

CommandServer::CommandServer(std::unique_ptr<Loop> loop)
    : loop_(std::move(loop)), thread_([this] { loop_->run(); }) {}

CommandServer::~CommandServer() {
  loop_->stop();
  thread_.join();
}

const CommandNumbers& CommandServer::numbers() const noexcept {
  return loop_->numbers();
}

}  // namespace edgesentry::serve
