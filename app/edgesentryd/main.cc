// edgesentryd: the appliance, put together. run() is the list of what is started, in order; the
// objects end in the reverse order, whichever step fails.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/random.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <thread>

#include "config/load.h"
#include "control/reload.h"
#include "edgesentryd/account.h"
#include "edgesentryd/api_server.h"
#include "edgesentryd/check.h"
#include "edgesentryd/command_line.h"
#include "edgesentryd/controller.h"
#include "edgesentryd/describe.h"
#include "edgesentryd/faults.h"
#include "edgesentryd/guard.h"
#include "edgesentryd/nics.h"
#include "edgesentryd/observatory.h"
#include "edgesentryd/outlets.h"
#include "edgesentryd/payloads.h"
#include "edgesentryd/privilege.h"
#include "edgesentryd/signals.h"
#include "edgesentryd/stop_limit.h"
#include "edgesentryd/watchdog.h"
#include "plane/plane.h"
#include "store/file_lock.h"

namespace edgesentry::appliance {
namespace {

constexpr std::chrono::seconds kLinkLimit{5};
constexpr std::chrono::seconds kFirstBeatLimit{5};
// One that has not come back by then hangs.
constexpr std::chrono::seconds kWorkersLimit{3};

// Whatever becomes of it: standard error may be a file on a disk that is full.
void say(std::string_view sentence) {
  const std::string line = fmt::format("edgesentryd: {}\n", sentence);
  static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
}
void say_on_output(std::string_view sentence) {
  const std::string line = fmt::format("{}\n", sentence);
  static_cast<void>(std::fwrite(line.data(), 1, line.size(), stdout));
  std::fflush(stdout);
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
  Privilege& privilege;
  bool takes_faults = false;
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
  store::FileLock state;
  std::unique_ptr<serve::SocketFile> socket;
  ApiPlace api;

  [[nodiscard]] const serve::ApiNumbers* numbers() const noexcept {
    return api.feed ? &api.feed->numbers() : nullptr;
  }
};

base::Result<Places> take_places(const config::Config& config, const Privilege& privilege) {
  store::FileLock state;
  if (!config.state.file.empty()) {
    make_state_folder(config.state);
    auto lock = store::FileLock::take(config.state.file, privilege.heir());
    if (!lock) return lock.error();
    state = std::move(lock).value();
  }
  auto socket = serve::SocketFile::listen(config.control.socket, config.control.socket_group);
  if (!socket) return socket.error();
  if (!config.metrics.listen.empty())
    if (base::Status free = serve::MetricsServer::check(config.metrics.listen); !free)
      return free.error();
  auto api = take_api_place(config.api, say, privilege.heir());
  if (!api) return api.error();
  return Places{std::move(state), std::move(socket).value(), std::move(api).value()};
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

void say_life(Outlets& outlets, report::Life life, std::string text) {
  report::Event event;
  event.life = life;
  event.time = std::chrono::system_clock::now();
  event.text = std::move(text);
  // A full queue counts what it refuses; standard output has the same line.
  static_cast<void>(outlets.offer(std::move(event)));
}

void say_appliance(Outlets& outlets, const std::string& sentence) {
  say(sentence);
  say_life(outlets, report::Life::other, sentence);
}

struct Running {
  const config::Config& config;
  const Nics& nics;
  plane::Plane& plane;
  Controller& controller;
  Outlets& outlets;
  control::Conditions& conditions;
  Faults& faults;
  Observatory& observatory;
  std::unique_ptr<ApiServer>& api;
};
struct Ending {
  bool is_failure = false;
};

// Packets flow, until somebody ends it, or a failure that only a new start mends.
Ending wait_for_stop(Signals& signals, const Running& all, const std::string& what) {
  const auto stalled_after = static_cast<std::uint64_t>(all.config.failure.stalled_after.count());
  Watchdog watchdog(all.plane.tallies(), all.controller.numbers(),
                    base::milliseconds(stalled_after));
  watchdog.ready(what);
  Guard guard({.config = all.config,
               .nics = all.nics,
               .plane = all.plane,
               .controller = all.controller,
               .outlets = all.outlets,
               .conditions = all.conditions,
               .say = say});
  for (;;) {
    switch (signals.wait(watchdog.pause())) {
      case Wish::stop:
        watchdog.stopping();
        return {};
      case Wish::reload:
        all.controller.reload();
        break;
      case Wish::none:
        break;
    }
    const base::Micros now = base::monotonic_now();
    all.faults.look(now);
    watchdog.look(now);
    if (const auto reason = guard.look(watchdog, now)) {
      say_appliance(all.outlets, "edgesentryd ends: " + *reason);
      watchdog.stopping();
      return {.is_failure = true};
    }
  }
}

// In the order in which things flow, each step within limits. What hangs is left, and said.
int stop_appliance(const Running& all, Ending ending) {
  StopLimit limit(all.config.failure.stop_within, say);
  limit.step("the workers, with packets in their hands");
  const std::vector<std::uint16_t> standing = all.plane.stop(kWorkersLimit);
  for (const std::uint16_t worker : standing)
    say_appliance(all.outlets,
                  fmt::format("worker {} does not come back; its packets are lost", worker));
  limit.step("requests for metrics, and over HTTP");
  all.api.reset();
  all.observatory.server.reset();
  all.controller.stop([&](const char* what) { limit.step(what); }, ending.is_failure);
  const std::string& missing = all.controller.missing();
  if (!missing.empty()) say_appliance(all.outlets, missing);
  const Account account = account_of(all.plane.tallies());
  const std::string ended = "edgesentryd has stopped: " + account.to_string();
  say_life(all.outlets, report::Life::stop, ended);
  limit.step("the logs, which lack the last lines");
  all.outlets.stop();
  say_on_output(ended);
  if (!standing.empty()) std::_Exit(kExitFailure);  // it still uses what would be given back
  return account.adds_up() && missing.empty() && !ending.is_failure ? kExitOk : kExitFailure;
}

void say_notes(const Prepared& prepared) {
  for (const std::string& note : prepared.plan.notes) say(note);
  if (watches_only(prepared.config)) say(kWatchesOnly);
}
// Said before there were logs.
void record_swept(Outlets& outlets, const Swept& swept) {
  for (const std::string& told : swept.told) say_life(outlets, report::Life::other, told);
}

// Logged before the first packet, so that no event of this run stands in front of it.
base::Status start_workers(plane::Plane& plane, Outlets& outlets, const std::string& what) {
  say_life(outlets, report::Life::start, "edgesentryd starts: " + what);
  base::Status started = plane.start();
  if (!started)
    say_life(outlets, report::Life::stop, "edgesentryd has not started: " + started.error().text);
  return started;
}

int run_appliance(const Prepared& prepared, Signals& signals) {
  const config::Config& config = prepared.config;
  say_notes(prepared);
  const control::AllowListsRead allow = control::read_allow_lists(config);
  for (const std::string& problem : allow.problems) say(problem);

  Privilege& privilege = prepared.privilege;
  if (base::Status handed = privilege.hand_over(); !handed) return fail(handed.error());
  // What another process may have taken is found out while the links are still as they were.
  auto places = take_places(config, privilege);
  if (!places) return fail(places.error());

  if (base::Status started = privilege.start_companions(); !started) return fail(started.error());
  auto nics = Nics::open(config, prepared.plan);
  if (!nics) return fail(nics.error());
  nics.value()->eal().log().forward_to([](std::string_view line) { say(line); });
  for (const std::string& note : nics.value()->notes()) say(note);
  const base::Status given = privilege.give_up(nics.value()->eal().runtime_folder());
  if (!given) return fail(given.error());

  auto outlets = Outlets::open(config.log, config.state, privilege.commands(), say);
  if (!outlets) return fail(outlets.error());
  outlets.value()->show_live(places.value().api.feed.get());
  record_swept(*outlets.value(), privilege.swept());
  base::Published<scan::DetectionPolicy> policy(
      config.workers.count, control::make_detection_policy(config, allow.lists));
  auto plane = build_plane(prepared, *nics.value(), policy);
  if (!plane) return fail(plane.error());

  Faults faults(prepared.takes_faults);
  faults.connect(*nics.value(), *plane.value());
  control::Conditions conditions(actions_of(config.failure), [&](const std::string& sentence) {
    say_appliance(*outlets.value(), sentence);
  });
  Payloads payloads(prepared.patterns, plane.value()->watches());
  auto controller = Controller::start(config, allow.lists,
                                      {.workers = plane.value()->take_control_ends(),
                                       .policy = policy,
                                       .events = *outlets.value(),
                                       .patterns = payloads,
                                       .history = outlets.value()->history(),
                                       .socket = std::move(places.value().socket),
                                       .say = say,
                                       .conditions = conditions,
                                       .faults = faults,
                                       .nft_launcher = privilege.nft_launcher(),
                                       .xdp_launcher = privilege.xdp_launcher(),
                                       .standing = [&] { return privilege.standing(); },
                                       .swept = privilege.swept(),
                                       .nics = *nics.value()});
  if (!controller) return fail(controller.error());
  plane.value()->block(controller.value()->take_blocked());
  auto metrics = serve_metrics({config, *nics.value(), *plane.value(), *controller.value(),
                                *outlets.value(), conditions, places.value().numbers()});
  if (!metrics) return fail(metrics.error());
  auto api = ApiServer::start(config.api, places.value().api, *controller.value(), metrics.value());
  if (!api) return fail(api.error());
  if (base::Status filtered = privilege.filter_calls(prepared.takes_faults); !filtered)
    return fail(filtered.error());
  const std::string what = describe(config, *nics.value(), *plane.value());
  if (base::Status started = start_workers(*plane.value(), *outlets.value(), what); !started)
    return fail(started.error());

  wait_until_active(*nics.value(), *plane.value());
  say_on_output("edgesentryd is active: " + what);
  const Running all{config,           *nics.value(), *plane.value(), *controller.value(),
                    *outlets.value(), conditions,    faults,         metrics.value(),
                    api.value()};
  return stop_appliance(all, wait_for_stop(signals, all, what));
}

int run(int argc, char** argv) {
  const CommandLine line = read_command_line(argc, argv);
  if (line.exit_code) return *line.exit_code;
  const config::Loaded loaded = config::load_file(line.config_path);
  if (!loaded.problems.empty()) fmt::print(stderr, "{}\n", loaded.to_string());
  if (!loaded.usable()) return kExitConfig;
  auto privilege = Privilege::prepare(loaded.config, say);
  if (!privilege) return fail(privilege.error());
  const auto patterns =
      open_patterns(loaded.config.payload, privilege.value()->heir().has_value(), say);
  if (!patterns) {
    fmt::print(stderr, "{}\n", patterns.error().text);
    return kExitConfig;
  }
  privilege.value()->need(patterns.value().path);
  const auto plan = Nics::plan(loaded.config, line.eal_arguments);
  if (!plan) return fail(plan.error());
  if (line.check_only)
    return check_start({loaded, plan.value(), *privilege.value(), line.is_strict, say});
  Signals signals;
  return run_appliance(
      {loaded.config, plan.value(), patterns.value(), *privilege.value(), line.takes_faults},
      signals);
}

}  // namespace
}  // namespace edgesentry::appliance

int main(int argc, char** argv) {
  // Some forty threads answer requests now and then. With an arena for each, what the largest reply
  // or reload ever took stays with every one of them, which looks like growth for hours.
  ::mallopt(M_ARENA_MAX, 2);
  try {
    return edgesentry::appliance::run(argc, argv);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "edgesentryd: {}\n", failure.what());
    return edgesentry::appliance::kExitFailure;
  }
}
