// A control loop with everything around it in memory: workers that keep what they are ordered, a
// clock turned by hand, a sink that remembers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/ring.h"
#include "base/snapshot.h"
#include "config/load.h"
#include "control/control_loop.h"
#include "store/keeper.h"
#include "support/alerts.h"
#include "support/manual_clock.h"
#include "support/memory_sink.h"

namespace edgesentry::test {

struct RigSettings {
  config::Mode mode = config::Mode::enforce;
  config::Placement placement = config::Placement::inline_;
  std::uint32_t workers = 2;
  std::uint32_t alert_ring = 4096;
  std::uint32_t order_ring = 8192;
  std::uint32_t blocks = 1u << 12;
  std::uint32_t per_minute_max = 10'000'000;
  std::string allow_file;
  std::string state_file;  // empty: memory only
  store::EventKeeper* history = nullptr;
  control::PatternKeeper* patterns = nullptr;
  std::vector<enforce::Enforcer*> enforcers = {};
  config::Failure failure = {};
  const control::Conditions* conditions = nullptr;
  const control::FaultSwitches* faults = nullptr;
};

// What a worker would drop, had it applied the orders so far.
struct WorkerModel {
  base::RingWriter<scan::Alert> alerts;
  base::RingReader<scan::Order> orders;
  std::set<base::Ip> drops, contained;
  std::size_t orders_seen = 0;

  void apply_orders() {
    std::array<scan::Order, 64> some;
    while (const std::size_t count = orders.pop_some(some)) {
      orders_seen += count;
      for (std::size_t i = 0; i < count; ++i) {
        if (some[i].kind == scan::OrderKind::block) {
          drops.insert(some[i].source);
        } else {
          drops.erase(some[i].source);
          if (some[i].kind == scan::OrderKind::contain) contained.insert(some[i].source);
        }
      }
    }
  }
};

class Rig {
 public:
  explicit Rig(const RigSettings& settings = {}) {
    config.mode = settings.mode;
    config.placement = settings.placement;
    config.table.blocks = settings.blocks;
    config.block.ladder = {std::chrono::seconds(600), std::chrono::seconds(3600)};
    config.block.per_minute_max = settings.per_minute_max;
    config.allow.networks = {*base::Prefix::parse("198.51.100.0/24")};
    config.allow.file = settings.allow_file;
    // Alerts of these tests are invented, and their sources answer nobody.
    config.verify.proof = config::NeededProof::none;
    config.failure = settings.failure;
    config.path = "edgesentry.toml";
    const auto never_ban = [](const config::Allow&) {
      return std::vector<policy::Exemption>{
          {*base::Prefix::parse("192.0.2.1"), policy::Exempt::gateway},
          {*base::Prefix::parse("127.0.0.0/8"), policy::Exempt::special_address}};
    };
    auto read = control::read_allow_lists(config, never_ban);
    policy = std::make_unique<base::Published<scan::DetectionPolicy>>(
        settings.workers, control::make_detection_policy(config, read.lists));
    std::vector<control::WorkerLink> links;
    for (std::uint32_t i = 0; i < settings.workers; ++i) {
      auto up = base::make_ring<scan::Alert>(settings.alert_ring);
      auto down = base::make_ring<scan::Order>(settings.order_ring);
      links.push_back({std::move(up.reader), std::move(down.writer), nullptr});
      workers.push_back({std::move(up.writer), std::move(down.reader), {}, {}, 0});
    }
    control::ControlSettings control_settings{
        .config = config,
        .lists = read.lists,
        .version = "1.2.3",
        .load = [this](const std::string& path) { return config::load_text(toml, path); },
        .never_ban = never_ban};
    store::Opened opened;
    if (!settings.state_file.empty()) {
      opened = store::BlockStore::open(settings.state_file);
      keeper = std::make_unique<store::Keeper>(
          store::KeeperSettings{.path = settings.state_file}, std::move(opened.store), [] {},
          [](const std::string&) {});
    }
    loop = std::make_unique<control::ControlLoop>(
        std::move(control_settings),
        control::ControlLinks{std::move(links), *policy, sink, mailbox, numbers, clock,
                              settings.enforcers, settings.patterns, keeper.get(), settings.history,
                              settings.conditions, settings.faults});
    answers_later = settings.history != nullptr;
    restored = loop->restore(std::move(opened.records), opened.allowed);
  }

  // False: the ring was full.
  bool send(std::size_t worker, const scan::Alert& alert) {
    return workers[worker].alerts.try_push(alert);
  }
  scan::Alert dropping_alert(const base::Ip& source) {
    auto alert = alert_of(source, clock.monotonic());
    alert.dropping = true;
    return alert;
  }
  // Rounds until there is no more to do at once; every worker then applies its orders.
  void settle() {
    for (int rounds = 0; rounds < 10'000; ++rounds) {
      const bool has_more = loop->run_round();
      for (auto& worker : workers) worker.apply_orders();
      if (!has_more && numbers.orders_pending.value() == 0) return;
    }
    EDGESENTRY_CHECK(false, "the loop comes to rest");
  }
  nlohmann::json ask(const nlohmann::json& request) {
    auto reply = mailbox.post(request);
    settle();
    // The disk takes its time, whatever the clock of the test says.
    for (int i = 0; i < 10'000 && (keeper != nullptr || answers_later); ++i) {
      if (reply.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready) break;
      settle();
    }
    return reply.get();
  }

  config::Config config;
  bool answers_later = false;  // questions go to another thread
  std::string toml;            // what a reload reads
  ManualClock clock;
  MemorySink sink;
  control::Mailbox mailbox;
  control::Numbers numbers;
  std::unique_ptr<base::Published<scan::DetectionPolicy>> policy;
  std::vector<WorkerModel> workers;
  std::unique_ptr<store::Keeper> keeper;
  control::Restored restored;
  std::unique_ptr<control::ControlLoop> loop;
};

}  // namespace edgesentry::test
