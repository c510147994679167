#include "edgesentryd/outlets.h"

#include <utility>

#include "report/sinks.h"

namespace edgesentry::appliance {
namespace {

// Together well under a second: whoever stops an inline appliance waits for its link.
constexpr std::chrono::milliseconds kWriteDeadline{400};
constexpr std::chrono::milliseconds kCommandDeadline{400};

}  // namespace

base::Result<std::unique_ptr<Outlets>> Outlets::open(const config::Log& log,
                                                     report::Dispatcher::Say say) {
  auto command = report::parse_command(log.block_command);
  if (!command) return base::Error{"log.block_command: " + command.error().text};
  return std::unique_ptr<Outlets>(new Outlets(log, std::move(command).value(), std::move(say)));
}

Outlets::Outlets(const config::Log& log, report::Arguments command, report::Dispatcher::Say say)
    : dispatcher_(report::make_sinks(log, "/dev/log"), report::Dispatcher::kQueueMax,
                  std::move(say)),
      responder_(report::Responder::Settings{.command = std::move(command)}) {}

Outlets::~Outlets() noexcept = default;

void Outlets::stop() {
  dispatcher_.stop(kWriteDeadline);
  responder_.stop(kCommandDeadline);
}

}  // namespace edgesentry::appliance
