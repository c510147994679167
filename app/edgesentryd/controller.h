// The control thread and what reaches it: worker rings from one side, operators' requests over the
// command socket from the other. Owned by main; stopped in reverse order of its start.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/snapshot.h"
#include "control/control_loop.h"
#include "plane/plane.h"
#include "serve/command_server.h"

namespace edgesentry::appliance {

class Controller {
 public:
  struct Links {
    std::vector<plane::ControlEnds> workers;
    base::Published<scan::DetectionPolicy>& policy;
    control::EventSink& events;
    control::PatternKeeper& patterns;
    std::unique_ptr<serve::SocketFile> socket;
  };
  static base::Result<std::unique_ptr<Controller>> start(const config::Config& config,
                                                         const policy::AllowLists& lists,
                                                         Links links);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  void reload() noexcept;
  // No more requests; the last alerts are drained and recorded. After the workers have stopped.
  void stop();

  [[nodiscard]] const control::Numbers& numbers() const noexcept { return numbers_; }
  [[nodiscard]] const serve::CommandNumbers& commands() const noexcept {
    return server_->numbers();
  }

 private:
  Controller() = default;
  control::Mailbox mailbox_;
  control::Numbers numbers_;
  control::SystemClock clock_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<control::ControlLoop> loop_;
  std::thread thread_;
  std::unique_ptr<serve::CommandServer> server_;
};

}  // namespace edgesentry::appliance
