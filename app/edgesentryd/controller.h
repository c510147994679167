// The control thread and what reaches it: worker rings from one side, operators' requests over the
// command socket from the other. Owned by main; stopped in reverse order of its start.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/snapshot.h"
#include "control/control_loop.h"
#include "edgesentryd/faults.h"
#include "edgesentryd/leftovers.h"
#include "edgesentryd/nics.h"
#include "enforce/flow_enforcer.h"
#include "enforce/nft_enforcer.h"
#include "enforce/nft_process.h"
#include "guard/launcher.h"
#include "guard/standing.h"
#include "plane/plane.h"
#include "serve/command_server.h"
#include "store/keeper.h"

namespace edgesentry::appliance {

// Where the kernel drops for us; never automatic.
[[nodiscard]] config::Nftables nftables_hooks(const config::Config& config);
// What the configuration says of how filter programs are confined.
[[nodiscard]] std::vector<std::string> confinement_options(const config::Config& config);
[[nodiscard]] enforce::NftProcess::Settings nft_settings(const config::Config& config);

class Controller {
 public:
  struct Links {
    std::vector<plane::ControlEnds> workers;
    base::Published<scan::DetectionPolicy>& policy;
    control::EventSink& events;
    control::PatternKeeper& patterns;
    store::EventKeeper* history = nullptr;  // nullptr: events are not kept
    std::unique_ptr<serve::SocketFile> socket;
    std::function<void(const std::string&)> say;
    const control::Conditions& conditions;
    Faults& faults;
    guard::Launcher* nft_launcher = nullptr;    // of the privileges' owner
    guard::Launcher* xdp_launcher = nullptr;    // the same; nullptr: no XDP
    std::function<guard::Standing()> standing;  // for `status`
    const Swept& swept;
    const Nics& nics;
  };
  static base::Result<std::unique_ptr<Controller>> start(const config::Config& config,
                                                         const policy::AllowLists& lists,
                                                         Links links);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Sources that were blocked when an earlier run ended and still are; given away once.
  [[nodiscard]] std::vector<base::Ip> take_blocked() { return std::move(blocked_); }
  void reload() noexcept;
  // As over the socket; any thread but control.
  [[nodiscard]] nlohmann::json ask(const nlohmann::json& request);
  // No more requests; the last alerts are drained and recorded. After the workers have stopped.
  // `step` is told what comes next, as a string literal. An upgrade, or a stop that is to be
  // followed by a start, keeps rules outside of the appliance whatever enforce.at_stop says.
  using Step = std::function<void(const char* what)>;
  void stop(const Step& step = {}, bool keeps_rules = false);

  // After stop(): what of the ledger is not in the state file; empty: nothing.
  [[nodiscard]] const std::string& missing() const noexcept { return missing_; }

  // nullptr: blocks end with the process.
  [[nodiscard]] const store::Keeper* keeper() const noexcept { return keeper_.get(); }
  [[nodiscard]] const control::Numbers& numbers() const noexcept { return numbers_; }
  // Of the kernel's packet filters, why they are not in force; empty: who knows.
  [[nodiscard]] std::string filter_trouble() const;
  [[nodiscard]] const serve::CommandNumbers& commands() const noexcept {
    return server_->numbers();
  }

 private:
  explicit Controller(Faults& faults) : faults_(faults) {}
  void open_state(const config::Config& config, const std::function<void(const std::string&)>& say);
  void restore(control::EventSink& events);
  void open_nftables(const config::Config& config, const Links& links);
  void open_flows(const config::Config& config, Links& links);
  void close_flows();
  [[nodiscard]] std::function<void(std::string)> teller(control::EventSink& events) const;
  void open_xdp(const config::Config& config, const Links& links);
  [[nodiscard]] enforce::NftEnforcer::Settings filter_settings(const Links& links);
  void close_filters(bool keeps_rules);

  control::Mailbox mailbox_;
  control::Numbers numbers_;
  Faults& faults_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<store::Keeper> keeper_;
  std::string missing_;
  std::vector<store::Record> records_;
  store::Allowed allowed_;
  std::vector<base::Ip> blocked_;
  std::unique_ptr<enforce::NftProcess> nft_process_;  // nullptr: the kernel drops nothing for us
  std::unique_ptr<enforce::NftEnforcer> nftables_;
  std::unique_ptr<enforce::NftProcess> xdp_process_;
  std::unique_ptr<enforce::NftEnforcer> xdp_;
  enforce::NftEnforcer::AtStop at_stop_ = enforce::NftEnforcer::AtStop::remove;
  std::unique_ptr<enforce::FlowEnforcer> flows_;  // nullptr: no NIC drops anything for us
  std::function<void(const std::string&)> say_;
  std::unique_ptr<control::ControlLoop> loop_;
  std::thread thread_;
  std::unique_ptr<serve::CommandServer> server_;
};

}  // namespace edgesentry::appliance
