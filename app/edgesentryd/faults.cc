#include "edgesentryd/faults.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "control/mailbox.h"

namespace edgesentry::appliance {
namespace {

// The conditions of control/conditions.h that can be brought about from inside.
constexpr std::array<std::string_view, 9> kInjectable = {
    "control_stalled", "ring_full",      "table_full", "rules_full", "clock_step",
    "disk_full",       "worker_stalled", "no_buffers", "link_down"};
constexpr std::int64_t kForMax = 24 * 3600;
constexpr std::int64_t kClockStep = 3600;

std::string text_of(const nlohmann::json& request, const char* member) {
  const auto found = request.find(member);
  return found != request.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_of(const nlohmann::json& request, const char* member, std::int64_t otherwise) {
  const auto found = request.find(member);
  return found != request.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                              : otherwise;
}

}  // namespace

Faults::Faults(bool is_allowed) : is_allowed_(is_allowed) {
  // Past the limit of a file a write fails, instead of ending the process.
  if (is_allowed) std::signal(SIGXFSZ, SIG_IGN);
}

Faults::~Faults() {
  clear_all();
}

void Faults::connect(const Nics& nics, plane::Plane& plane) {
  nics_ = &nics;
  plane_ = &plane;
}

bool Faults::is_meant(const nlohmann::json& request) {
  return request.is_object() && request.value("command", nlohmann::json()) == "fault";
}

nlohmann::json Faults::run(const nlohmann::json& request) {
  if (!is_allowed_)
    return control::error_reply(
        "faults are for trying out failures, and only an appliance that was started with --faults "
        "takes them");
  const std::lock_guard lock(mutex_);
  const std::string action = text_of(request, "action");
  if (action == "inject") return inject(request);
  if (action == "clear") return clear(text_of(request, "name"));
  if (action != "list") return control::error_reply("\"action\" is inject, clear or list");
  nlohmann::json rows = nlohmann::json::array();
  for (const Active& fault : active_)
    rows.push_back({{"name", fault.name}, {"where", fault.where}});
  return {{"ok", true}, {"faults", std::move(rows)}};
}

nlohmann::json Faults::inject(const nlohmann::json& request) {
  Active fault{.name = text_of(request, "name")};
  fault.where = number_of(request, "where", fault.name == "clock_step" ? kClockStep : 0);
  const std::int64_t seconds = number_of(request, "for", 0);
  if (seconds < 0 || seconds > kForMax)
    return control::error_reply(fmt::format("\"for\" is seconds, at most {}", kForMax));
  if (seconds > 0)
    fault.until = base::monotonic_now() + base::seconds(static_cast<std::uint64_t>(seconds));
  static_cast<void>(clear(fault.name));  // of the same, elsewhere
  if (base::Status done = switch_one(fault, true); !done)
    return control::error_reply(done.error().text);
  active_.push_back(std::move(fault));
  return {{"ok", true}};
}

nlohmann::json Faults::clear(const std::string& name) {
  const auto found = std::ranges::find(active_, name, &Active::name);
  if (found == active_.end())
    return control::error_reply(fmt::format("no fault '{}' is switched on", name));
  const Active fault = *found;
  active_.erase(found);
  if (base::Status done = switch_one(fault, false); !done)
    return control::error_reply(done.error().text);
  return {{"ok", true}};
}

void Faults::look(base::Micros now) {
  if (!is_allowed_) return;
  const std::lock_guard lock(mutex_);
  const auto is_over = [&](const Active& each) {
    return each.until != base::Micros{} && each.until <= now;
  };
  for (auto over = std::ranges::find_if(active_, is_over); over != active_.end();
       over = std::ranges::find_if(active_, is_over))
    static_cast<void>(clear(std::string(over->name)));
  // What workers have given back since.
  if (std::ranges::find(active_, "no_buffers", &Active::name) != active_.end())
    static_cast<void>(switch_one({.name = "no_buffers"}, true));
}

void Faults::clear_all() {
  const std::lock_guard lock(mutex_);
  while (!active_.empty()) static_cast<void>(clear(std::string(active_.back().name)));
}

base::Status Faults::switch_one(const Active& fault, bool is_on) {
  const std::string& name = fault.name;
  if (name == "control_stalled") {
    switches_.stands_still.store(is_on);
  } else if (name == "ring_full") {
    switches_.leaves_alerts.store(is_on);
  } else if (name == "table_full") {
    switches_.fills_table.store(is_on);
  } else if (name == "rules_full") {
    switches_.fills_rules.store(is_on);
  } else if (name == "clock_step") {
    switches_.wall_offset_us.store(is_on ? fault.where * 1'000'000 : 0);
  } else if (name == "disk_full") {
    return limit_files(is_on);
  } else if (name == "worker_stalled") {
    if (fault.where < 0 || std::cmp_greater_equal(fault.where, plane_->tallies().size()))
      return base::Error{fmt::format("there is no worker {}", fault.where)};
    plane_->stance().stall(static_cast<std::uint16_t>(fault.where), is_on);
  } else if (name == "no_buffers") {
    if (!is_on) nic::PacketPool::give_back(std::exchange(taken_, {}));
    const std::uint32_t most = is_on ? nics_->pool().size() : 0;
    for (rte_mbuf* packet : nics_->pool().take_away(most)) taken_.push_back(packet);
  } else if (name == "link_down") {
    const auto& ports = nics_->ports();
    if (fault.where < 0 || std::cmp_greater_equal(fault.where, ports.size()))
      return base::Error{fmt::format("there is no port {}", fault.where)};
    return ports[static_cast<std::size_t>(fault.where)].set_link(!is_on);
  } else {
    return base::Error{fmt::format("no fault '{}' can be switched on; these can: {}", name,
                                   fmt::join(kInjectable, ", "))};
  }
  return {};
}

// Files of this process cannot grow: neither the state's nor logs.
base::Status Faults::limit_files(bool is_on) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0) {
    limit.rlim_cur = is_on ? 0 : limit.rlim_max;
    if (::setrlimit(RLIMIT_FSIZE, &limit) == 0) return {};
  }
  return base::Error{fmt::format("RLIMIT_FSIZE cannot be set: {}", std::strerror(errno))};
}

}  // namespace edgesentry::appliance
