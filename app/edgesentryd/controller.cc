#include "edgesentryd/controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "config/xdp.h"
#include "edgesentryd/outlets.h"
#include "store/ends.h"

namespace edgesentry::appliance {
namespace {

// A round of the control thread takes milliseconds at worst; a client that waits longer is told so.
constexpr std::chrono::milliseconds kReplyLimit{5'000};
// A reload is over when its patterns are compiled and tried: a second, or a few on a busy machine.
constexpr std::chrono::milliseconds kReloadLimit{30'000};

// Deleting a million elements takes 0.6 s; whoever stops an inline appliance waits for its link.
constexpr std::chrono::milliseconds kNftablesLimit{2'000};

// The longest that an operator can ask for.
constexpr std::chrono::seconds kLongestOrder{366 * 24 * 3600};

bool is_reload(const nlohmann::json& request) {
  return request.is_object() && request.value("command", nlohmann::json()) == "reload";
}

}  // namespace

config::Nftables nftables_hooks(const config::Config& config) {
  if (config.enforce.nftables != config::Nftables::automatic) return config.enforce.nftables;
  return config.placement == config::Placement::host ? config::Nftables::inet
                                                     : config::Nftables::off;
}

base::Result<std::unique_ptr<Controller>> Controller::start(const config::Config& config,
                                                            const policy::AllowLists& lists,
                                                            Links links) {
  std::unique_ptr<Controller> controller(new Controller(links.faults));
  std::vector<control::WorkerLink> workers;
  for (plane::ControlEnds& ends : links.workers)
    workers.push_back({std::move(ends.alerts), std::move(ends.orders), ends.tally});
  controller->say_ = links.say;
  controller->open_state(config, links.say);
  if (config.enforce.at_stop == config::AtStop::keep)
    controller->at_stop_ = enforce::NftEnforcer::AtStop::keep;
  controller->open_nftables(config, links);
  controller->open_xdp(config, links);
  controller->open_flows(config, links);
  std::vector<enforce::Enforcer*> enforcers;
  if (controller->flows_) enforcers.push_back(controller->flows_.get());
  for (enforce::NftEnforcer* filter : {controller->nftables_.get(), controller->xdp_.get()})
    if (filter != nullptr) enforcers.push_back(filter);
  controller->loop_ = std::make_unique<control::ControlLoop>(
      control::ControlSettings{.config = config,
                               .lists = lists,
                               .version = EDGESENTRY_VERSION,
                               .standing = links.standing,
                               .machine = links.nics.facts(),
                               .left_behind = links.swept.left_behind},
      control::ControlLinks{.workers = std::move(workers),
                            .policy = links.policy,
                            .events = links.events,
                            .mailbox = controller->mailbox_,
                            .numbers = controller->numbers_,
                            .clock = links.faults.clock(),
                            .enforcers = std::move(enforcers),
                            .patterns = &links.patterns,
                            .keeper = controller->keeper_.get(),
                            .history = links.history,
                            .conditions = &links.conditions,
                            .faults = links.faults.switches()});
  controller->restore(links.events);
  serve::CommandServer::Settings settings;
  settings.path = config.control.socket;
  settings.group = config.control.socket_group;
  auto server = serve::CommandServer::start(
      std::move(settings),
      [self = controller.get()](const nlohmann::json& request, const serve::Peer&) {
        return Faults::is_meant(request) ? self->faults_.run(request) : self->ask(request);
      },
      std::move(links.socket));
  if (!server) return server.error();
  controller->server_ = std::move(server).value();
  controller->thread_ = std::thread([self = controller.get()] { self->loop_->run(self->stop_); });
  return controller;
}

std::vector<std::string> confinement_options(const config::Config& config) {
  std::vector<std::string> options;
  if (config.privilege.seccomp != config::Seccomp::automatic)
    options.emplace_back(config.privilege.seccomp == config::Seccomp::log ? "--seccomp=log"
                                                                          : "--seccomp=off");
  if (config.privilege.landlock == config::Landlock::off) options.emplace_back("--landlock=off");
  return options;
}

enforce::NftProcess::Settings nft_settings(const config::Config& config) {
  return {.program = enforce::beside_this_program("edgesentry-nft"),
          .has_inet = nftables_hooks(config) != config::Nftables::netdev,
          .devices = config.enforce.nftables_devices,
          .ipv6_prefix = config.table.ipv6_prefix,
          .options = confinement_options(config)};
}

void Controller::open_nftables(const config::Config& config, const Links& links) {
  if (nftables_hooks(config) == config::Nftables::off) return;
  enforce::NftProcess::Settings process = nft_settings(config);
  process.launcher = links.nft_launcher;
  nft_process_ = std::make_unique<enforce::NftProcess>(std::move(process));
  enforce::NftEnforcer::Settings settings = filter_settings(links);
  settings.is_there_before = !links.swept.has_no_tables;
  settings.by_hand = fmt::format("delete its table with: nft delete table {} edgesentry",
                                 nft_process_->settings().has_inet ? "inet" : "netdev");
  if (nft_process_->settings().has_inet && !nft_process_->settings().devices.empty())
    settings.by_hand =
        "delete its tables with: nft delete table inet edgesentry; nft delete table "
        "netdev edgesentry";
  nftables_ = std::make_unique<enforce::NftEnforcer>(*nft_process_, std::move(settings));
}

void Controller::open_xdp(const config::Config& config, const Links& links) {
  if (links.xdp_launcher == nullptr) return;
  // The arguments are the launcher's affair.
  xdp_process_ = std::make_unique<enforce::NftProcess>(
      enforce::NftProcess::Settings{.program = "edgesentry-xdp", .launcher = links.xdp_launcher});
  enforce::NftEnforcer::Settings settings = filter_settings(links);
  settings.names = enforce::NftEnforcer::kXdp;
  settings.is_there_before = !links.swept.has_no_programs;
  for (const std::string& device : config::xdp_interfaces(config))
    settings.by_hand += fmt::format("{}ip link set dev {} xdp off",
                                    settings.by_hand.empty() ? "detach it with: " : "; ", device);
  if (nftables_hooks(config) != config::Nftables::off)
    settings.names.without = "nftables drops alone until it works again";
  xdp_ = std::make_unique<enforce::NftEnforcer>(*xdp_process_, std::move(settings));
}

enforce::NftEnforcer::Settings Controller::filter_settings(const Links& links) {
  enforce::NftEnforcer::Settings settings;
  settings.say = teller(links.events);
  return settings;
}

// A sentence for the logs.
std::function<void(std::string)> Controller::teller(control::EventSink& events) const {
  return [this, &events](std::string sentence) {
    report::Event event;
    event.action = report::Action::appliance;
    event.time = faults_.clock().wall();
    event.text = std::move(sentence);
    static_cast<void>(events.offer(std::move(event)));  // a full queue counts what it refuses
  };
}

void Controller::open_flows(const config::Config& config, Links& links) {
  std::vector<std::unique_ptr<enforce::FlowApi>> flows = links.nics.flows(config);
  if (flows.empty()) return;
  enforce::FlowEnforcer::Settings settings;
  settings.rules_max = config.enforce.rte_flow_rules_max;
  settings.must_have_all = config.enforce.rte_flow == config::RteFlow::on;
  settings.say = teller(links.events);
  flows_ = std::make_unique<enforce::FlowEnforcer>(std::move(flows), std::move(settings));
  for (const std::string& note : flows_->start()) say_(note);
}

std::string Controller::filter_trouble() const {
  std::string troubles;
  for (const enforce::NftEnforcer* filter : {nftables_.get(), xdp_.get()}) {
    if (filter == nullptr) continue;
    if (const std::string trouble = filter->trouble(); !trouble.empty())
      troubles += fmt::format("{}{}: {}", troubles.empty() ? "" : "; ", filter->name(), trouble);
  }
  return troubles;
}

void Controller::close_flows() {
  if (!flows_) return;
  if (base::Status stopped = flows_->stop(); !stopped) say_("rte_flow: " + stopped.error().text);
}

void Controller::close_filters(bool keeps_rules) {
  const auto what = keeps_rules ? enforce::NftEnforcer::AtStop::keep : at_stop_;
  for (enforce::NftEnforcer* filter : {xdp_.get(), nftables_.get()}) {
    if (filter == nullptr) continue;
    if (base::Status stopped = filter->stop(what, kNftablesLimit); !stopped)
      say_(stopped.error().text);
  }
}

void Controller::open_state(const config::Config& config,
                            const std::function<void(const std::string&)>& say) {
  const std::string& path = config.state.file;
  if (path.empty()) return;
  make_state_folder(config.state);
  store::Opened opened = store::BlockStore::open(path);
  for (const std::string& note : opened.notes) say(note);
  records_ = std::move(opened.records);
  allowed_ = std::move(opened.allowed);
  const policy::LedgerSettings ledger = control::ledger_settings(config);
  const std::int64_t now = std::chrono::duration_cast<std::chrono::microseconds>(
                               faults_.clock().wall().time_since_epoch())
                               .count();
  std::vector<store::Record> shortened =
      store::shorten(records_, {.now = now,
                                .longest = std::max(kLongestOrder, config.block.ladder.back()),
                                .instead = config.block.ladder.back()});
  if (!shortened.empty())
    say(fmt::format(
        "{}: {} of its blocks had an end that no block can have; they end {} s from now", path,
        shortened.size(), config.block.ladder.back().count()));
  keeper_ = std::make_unique<store::Keeper>(
      store::KeeperSettings{.path = path,
                            .forget_after = ledger.forget_after,
                            .history_max = ledger.history_max,
                            .pending_max = std::size_t{ledger.blocks_max} + ledger.history_max,
                            .trouble = opened.trouble},
      std::move(opened.store), [this] { mailbox_.wake(); }, say);
  if (!shortened.empty()) keeper_->put(std::move(shortened), false);
}

void Controller::restore(control::EventSink& events) {
  control::Restored restored =
      loop_->restore(std::exchange(records_, {}), std::exchange(allowed_, {}));
  const std::size_t ended = restored.ended, refused = restored.refused, allowed = restored.allowed;
  const std::size_t exempt = restored.exempt, waiting = restored.waiting;
  blocked_ = std::move(restored.blocked);
  if (blocked_.empty() && ended + refused + allowed + waiting == 0) return;
  report::Event event;
  event.action = report::Action::appliance;
  event.time = faults_.clock().wall();
  event.text = fmt::format(
      "{} of an earlier run {} in force again, {} ended meanwhile{}{}{}{}",
      blocked_.size() == 1 ? "1 block" : fmt::format("{} blocks", blocked_.size()),
      blocked_.size() == 1 ? "is" : "are", ended,
      exempt == 0 ? std::string()
                  : fmt::format(", {} of them because their sources are allowed now", exempt),
      waiting == 0 ? std::string()
                   : fmt::format(", {} {} in the file and keep{} nobody out, for the mode is "
                                 "observe: the next start in enforce mode puts them back",
                                 waiting, waiting == 1 ? "stays" : "stay", waiting == 1 ? "s" : ""),
      refused == 0 ? std::string() : fmt::format(", for {} table.blocks has no room", refused),
      allowed == 0 ? std::string()
                   : fmt::format("; {} network{} allowed by command", allowed,
                                 allowed == 1 ? " is" : "s are"));
  static_cast<void>(events.offer(std::move(event)));  // a full queue counts what it refuses
}

Controller::~Controller() {
  stop();
}

nlohmann::json Controller::ask(const nlohmann::json& request) {
  return mailbox_.call(request, is_reload(request) ? kReloadLimit : kReplyLimit);
}

void Controller::reload() noexcept {
  loop_->ask_reload();
  mailbox_.wake();
}

void Controller::stop(const Step& step, bool keeps_rules) {
  const auto begin = [&](const char* what) {
    if (step) step(what);
  };
  begin("requests that are being answered");
  mailbox_.close();  // answers who still waits, so that the server's threads can end
  server_.reset();
  if (!thread_.joinable()) return;
  // Relaxed: joining the thread orders what it wrote.
  stop_.store(true, std::memory_order_relaxed);
  mailbox_.wake();
  begin(nftables_
            ? "the control thread, with the last alerts; rules in the kernel stay until their "
              "time is over, or until: nft delete table inet edgesentry"
            : "the control thread, with the last alerts");
  thread_.join();
  begin("the rules in the NIC, which end with its port");
  close_flows();
  begin(nftables_ ? "the rules in the kernel: nft delete table inet edgesentry"
                  : "the rules in the kernel");
  close_filters(keeps_rules);
  begin("the state file, which lacks the last blocks, or all when it was just begun anew");
  if (keeper_) missing_ = keeper_->stop([this] { return loop_->everything(); });
}

}  // namespace edgesentry::appliance
