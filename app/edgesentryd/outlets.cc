#include "edgesentryd/outlets.h"

#include <sys/stat.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "control/history.h"
#include "report/sinks.h"

namespace edgesentry::appliance {
namespace {

// Together well under a second: whoever stops an inline appliance waits for its link.
constexpr std::chrono::milliseconds kWriteDeadline{400};
constexpr std::chrono::milliseconds kCommandDeadline{400};

std::unique_ptr<store::EventKeeper> open_history(const config::State& state,
                                                 const report::Dispatcher::Say& say) {
  if (state.file.empty() || state.events_mb == 0) return nullptr;
  make_state_folder(state);
  store::EventKeeperSettings settings;
  settings.path = events_file(state);
  settings.keep_for = state.events_for;
  settings.bytes_max = std::uint64_t{state.events_mb} << 20;
  return std::make_unique<store::EventKeeper>(std::move(settings), say);
}

std::vector<std::unique_ptr<report::Sink>> make_sinks(const config::Log& log,
                                                      store::EventKeeper* history) {
  std::vector<std::unique_ptr<report::Sink>> sinks = report::make_sinks(log, "/dev/log");
  if (history != nullptr)
    sinks.push_back(std::make_unique<control::HistorySink>(*history, log.lines_per_second_max));
  return sinks;
}

}  // namespace

void make_state_folder(const config::State& state) {
  constexpr mode_t kFolderMode = 0750;
  // Only its last part: a typing error should not lead to a tree of folders. SQLite says the rest.
  ::mkdir(std::filesystem::path(state.file).parent_path().c_str(), kFolderMode);
}

std::string events_file(const config::State& state) {
  const std::filesystem::path file(state.file);
  std::filesystem::path beside = file;
  beside.replace_filename(file.stem().string() + "-events" + file.extension().string());
  return beside.string();
}

base::Result<std::unique_ptr<Outlets>> Outlets::open(const config::Log& log,
                                                     const config::State& state,
                                                     report::CommandRunner* runner,
                                                     report::Dispatcher::Say say) {
  auto command = report::parse_command(log.block_command);
  if (!command) return base::Error{"log.block_command: " + command.error().text};
  report::Responder::Settings responder{.command = std::move(command).value()};
  if (runner != nullptr)
    responder.run = [runner](const report::CommandValues& values, int give_up_fd) {
      return runner->run(values, give_up_fd);
    };
  auto history = open_history(state, say);
  return std::unique_ptr<Outlets>(
      new Outlets(log, std::move(history), std::move(responder), std::move(say)));
}

Outlets::Outlets(const config::Log& log, std::unique_ptr<store::EventKeeper> history,
                 report::Responder::Settings responder, report::Dispatcher::Say say)
    : history_(std::move(history)),
      dispatcher_(make_sinks(log, history_.get()), report::Dispatcher::kQueueMax, std::move(say)),
      responder_(std::move(responder)) {}

Outlets::~Outlets() noexcept = default;

void Outlets::stop() {
  dispatcher_.stop(kWriteDeadline);
  if (history_) history_->stop();
  responder_.stop(kCommandDeadline);
}

}  // namespace edgesentry::appliance
