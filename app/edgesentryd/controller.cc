#include "edgesentryd/controller.h"

#include <chrono>
#include <utility>

namespace edgesentry::appliance {
namespace {

// A round of the control thread takes milliseconds at worst; a client that waits longer is told so.
constexpr std::chrono::milliseconds kReplyLimit{5'000};
// A reload is over when its patterns are compiled and tried: a second, or a few on a busy machine.
constexpr std::chrono::milliseconds kReloadLimit{30'000};

bool is_reload(const nlohmann::json& request) {
  return request.is_object() && request.value("command", nlohmann::json()) == "reload";
}

}  // namespace

base::Result<std::unique_ptr<Controller>> Controller::start(const config::Config& config,
                                                            const policy::AllowLists& lists,
                                                            Links links) {
  std::unique_ptr<Controller> controller(new Controller);
  std::vector<control::WorkerLink> workers;
  for (plane::ControlEnds& ends : links.workers)
    workers.push_back({std::move(ends.alerts), std::move(ends.orders), ends.tally});
  controller->loop_ = std::make_unique<control::ControlLoop>(
      control::ControlSettings{.config = config, .lists = lists, .version = EDGESENTRY_VERSION},
      control::ControlLinks{.workers = std::move(workers),
                            .policy = links.policy,
                            .events = links.events,
                            .mailbox = controller->mailbox_,
                            .numbers = controller->numbers_,
                            .clock = controller->clock_,
                            .enforcers = {},
                            .patterns = &links.patterns});
  serve::CommandServer::Settings settings;
  settings.path = config.control.socket;
  settings.group = config.control.socket_group;
  auto server = serve::CommandServer::start(
      std::move(settings),
      [&mailbox = controller->mailbox_](const nlohmann::json& request, const serve::Peer&) {
        return mailbox.call(request, is_reload(request) ? kReloadLimit : kReplyLimit);
      },
      std::move(links.socket));
  if (!server) return server.error();
  controller->server_ = std::move(server).value();
  controller->thread_ = std::thread([self = controller.get()] { self->loop_->run(self->stop_); });
  return controller;
}

Controller::~Controller() {
  stop();
}

void Controller::reload() noexcept {
  loop_->ask_reload();
  mailbox_.wake();
}

void Controller::stop() {
  mailbox_.close();  // answers who still waits, so that the server's threads can end
  server_.reset();
  if (!thread_.joinable()) return;
  // Relaxed: joining the thread orders what it wrote.
  stop_.store(true, std::memory_order_relaxed);
  mailbox_.wake();
  thread_.join();
}

}  // namespace edgesentry::appliance
