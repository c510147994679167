// edgesentryd: the appliance, put together. run() is the list of what is started, in order; the
// objects end in the reverse order, whichever step fails.
#include <fmt/format.h>
#include <sys/random.h>

#include <cstdio>
#include <exception>
#include <thread>

#include "config/load.h"
#include "control/reload.h"
#include "edgesentryd/account.h"
#include "edgesentryd/api_server.h"
#include "edgesentryd/command_line.h"
#include "edgesentryd/controller.h"
#include "edgesentryd/nics.h"
#include "edgesentryd/observatory.h"
#include "edgesentryd/outlets.h"
#include "edgesentryd/payloads.h"
#include "edgesentryd/signals.h"
#include "edgesentryd/watchdog.h"
#include "plane/plane.h"

namespace edgesentry::appliance {
namespace {

constexpr std::chrono::seconds kLinkLimit{5};
constexpr std::chrono::seconds kFirstBeatLimit{5};

void say(std::string_view sentence) {
  fmt::print(stderr, "edgesentryd: {}\n", sentence);
}
int fail(const base::Error& error) {
  say(error.text);
  return kExitFailure;
}

base::Result<scan::HashKey> random_key() {
  scan::HashKey key;
  if (::getrandom(key.data(), sizeof key, 0) != static_cast<ssize_t>(sizeof key))
    return base::Error{"the kernel gave no random bytes for the keys of the scan tables"};
  return key;
}

// What is settled before anything is opened.
struct Prepared {
  const config::Config& config;
  nic::EalPlan plan;
  signature::OpenedPatterns patterns;
};

base::Result<std::unique_ptr<plane::Plane>> build_plane(
    const Prepared& prepared, const Nics& nics, base::Published<scan::DetectionPolicy>& policy) {
  const config::Config& config = prepared.config;
  const auto key = random_key();
  if (!key) return key.error();
  return plane::Plane::build({.is_tap = config.placement != config::Placement::inline_,
                              .workers = config.workers,
                              .table = config.table,
                              .key = key.value(),
                              .alert_ring = config.control.alert_ring,
                              .order_ring = config.control.order_ring,
                              .has_hugepages = prepared.plan.has_hugepages,
                              .patterns = prepared.patterns.database,
                              .payload = {.bytes_per_second = config.payload.bytes_per_second}},
                             nics.ports(), nics.eal().worker_lcores(), policy);
}

// What another process may have taken.
struct Places {
  std::unique_ptr<serve::SocketFile> socket;
  ApiPlace api;

  [[nodiscard]] const serve::ApiNumbers* numbers() const noexcept {
    return api.feed ? &api.feed->numbers() : nullptr;
  }
};

base::Result<Places> take_places(const config::Config& config) {
  auto socket = serve::SocketFile::listen(config.control.socket, config.control.socket_group);
  if (!socket) return socket.error();
  if (!config.metrics.listen.empty())
    if (base::Status free = serve::MetricsServer::check(config.metrics.listen); !free)
      return free.error();
  auto api = take_api_place(config.api, say);
  if (!api) return api.error();
  return Places{std::move(socket).value(), std::move(api).value()};
}

// Packets flow once the links are up and every worker has been round.
void wait_until_active(const Nics& nics, const plane::Plane& plane) {
  for (const std::string& label : nic::wait_for_links(nics.ports(), kLinkLimit))
    say(label + ": the link is down; nothing passes there until it is up");
  const auto limit = std::chrono::steady_clock::now() + kFirstBeatLimit;
  for (const scan::Tally* worker : plane.tallies())
    while (worker->heartbeat.value() == 0 && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

std::string describe(const config::Config& config, const Nics& nics, const plane::Plane& plane) {
  std::string line = fmt::format(
      "{}, {}, {} worker{} ({})",
      config.placement == config::Placement::inline_ ? "inline"
      : config.placement == config::Placement::tap   ? "tap"
                                                     : "host",
      config.mode != config::Mode::enforce             ? "observing only"
      : config.placement == config::Placement::inline_ ? "blocking"
                                                       : "reporting only",
      config.workers.count, config.workers.count == 1 ? "" : "s", nic::to_string(plane.spread()));
  for (const nic::Port& port : nics.ports())
    line += fmt::format(", {} on {}", port.label(), port.device());
  if (!config.metrics.listen.empty()) line += ", metrics on " + config.metrics.listen;
  if (!config.api.listen.empty()) line += ", API on " + config.api.listen;
  return line;
}

void say_life(Outlets& outlets, report::Life life, std::string text) {
  report::Event event;
  event.life = life;
  event.time = std::chrono::system_clock::now();
  event.text = std::move(text);
  // A full queue counts what it refuses; standard output has the same line.
  static_cast<void>(outlets.offer(std::move(event)));
}

void wait_for_stop(Signals& signals, Controller& controller, const plane::Plane& plane,
                   const std::string& what) {
  Watchdog watchdog(plane.tallies(), controller.numbers(), say);
  watchdog.ready(what);
  for (;;) {
    switch (signals.wait(watchdog.pause())) {
      case Wish::stop:
        watchdog.stopping();
        return;
      case Wish::reload:
        controller.reload();
        break;
      case Wish::none:
        break;
    }
    watchdog.look(base::monotonic_now());
  }
}

int run_appliance(const Prepared& prepared, Signals& signals) {
  const config::Config& config = prepared.config;
  for (const std::string& note : prepared.plan.notes) say(note);
  if (config.mode == config::Mode::enforce && config.placement != config::Placement::inline_ &&
      nftables_hooks(config) == config::Nftables::off)
    say("a tap and a host only watch: blocks are recorded, logged and given to log.block_command, "
        "but no packet is dropped here");
  const control::AllowListsRead allow = control::read_allow_lists(config);
  for (const std::string& problem : allow.problems) say(problem);

  // What another process may have taken is found out while the links are still as they were.
  auto places = take_places(config);
  if (!places) return fail(places.error());

  auto nics = Nics::open(config, prepared.plan);
  if (!nics) return fail(nics.error());
  nics.value()->eal().log().forward_to([](std::string_view line) { say(line); });
  for (const nic::Port& port : nics.value()->ports())
    for (const std::string& note : port.notes()) say(note);

  auto outlets = Outlets::open(config.log, config.state, say);
  if (!outlets) return fail(outlets.error());
  outlets.value()->show_live(places.value().api.feed.get());
  base::Published<scan::DetectionPolicy> policy(
      config.workers.count, control::make_detection_policy(config, allow.lists));
  auto plane = build_plane(prepared, *nics.value(), policy);
  if (!plane) return fail(plane.error());

  Payloads payloads(prepared.patterns, plane.value()->watches());
  auto controller = Controller::start(config, allow.lists,
                                      {.workers = plane.value()->take_control_ends(),
                                       .policy = policy,
                                       .events = *outlets.value(),
                                       .patterns = payloads,
                                       .history = outlets.value()->history(),
                                       .socket = std::move(places.value().socket),
                                       .say = say});
  if (!controller) return fail(controller.error());
  plane.value()->block(controller.value()->take_blocked());
  auto metrics = serve_metrics({config, *nics.value(), *plane.value(), *controller.value(),
                                *outlets.value(), places.value().numbers()});
  if (!metrics) return fail(metrics.error());
  auto api = ApiServer::start(config.api, places.value().api, *controller.value(), metrics.value());
  if (!api) return fail(api.error());
  // Logged before the first packet, so that no event of this run stands in front of it.
  const std::string what = describe(config, *nics.value(), *plane.value());
  say_life(*outlets.value(), report::Life::start, "edgesentryd starts: " + what);
  if (base::Status started = plane.value()->start(); !started) {
    say_life(*outlets.value(), report::Life::stop,
             "edgesentryd has not started: " + started.error().text);
    return fail(started.error());
  }

  wait_until_active(*nics.value(), *plane.value());
  fmt::print("edgesentryd is active: {}\n", what);
  std::fflush(stdout);
  wait_for_stop(signals, *controller.value(), *plane.value(), what);

  plane.value()->stop();
  api.value().reset();
  metrics.value().server.reset();
  controller.value()->stop();
  const Account account = account_of(plane.value()->tallies());
  const std::string ended = "edgesentryd has stopped: " + account.to_string();
  say_life(*outlets.value(), report::Life::stop, ended);
  outlets.value()->stop();
  fmt::print("{}\n", ended);
  std::fflush(stdout);
  return account.adds_up() ? kExitOk : kExitFailure;
}

int run(int argc, char** argv) {
  const CommandLine line = read_command_line(argc, argv);
  if (line.exit_code) return *line.exit_code;
  const config::Loaded loaded = config::load_file(line.config_path);
  if (!loaded.problems.empty()) fmt::print(stderr, "{}\n", loaded.to_string());
  if (!loaded.usable()) return kExitConfig;
  const auto patterns = open_patterns(loaded.config.payload, say);
  if (!patterns) {
    fmt::print(stderr, "{}\n", patterns.error().text);
    return kExitConfig;
  }
  const auto plan = Nics::plan(loaded.config, line.eal_arguments);
  if (!plan) return fail(plan.error());
  if (line.check_only) {
    for (const std::string& note : plan.value().notes) say(note);
    fmt::print("{} is right, and this machine has what it names\n", line.config_path);
    return kExitOk;
  }
  Signals signals;
  return run_appliance({loaded.config, plan.value(), patterns.value()}, signals);
}

}  // namespace
}  // namespace edgesentry::appliance

int main(int argc, char** argv) {
  try {
    return edgesentry::appliance::run(argc, argv);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "edgesentryd: {}\n", failure.what());
    return edgesentry::appliance::kExitFailure;
  }
}
