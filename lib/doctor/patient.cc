#include "doctor/patient.h"

#include <algorithm>
#include <initializer_list>

#include "config/device.h"
#include "machine/device_node.h"

namespace edgesentry::doctor {
namespace {

bool has_option(const config::Config& config, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(config.dpdk.eal_args, [&](const std::string& argument) {
    const std::string_view word = std::string_view(argument).substr(0, argument.find('='));
    return std::ranges::find(names, word) != names.end();
  });
}

}  // namespace

bool Patient::has_own_cores() const {
  return has_option(config, {"-l", "-c", "--lcores", "-s", "-S"});
}

bool Patient::has_own_memory() const {
  return has_option(config, {"-m", "--socket-mem", "--no-huge", "--in-memory", "--legacy-mem"});
}

machine::PlacementRequest Patient::placement_request() const {
  return {.cpus = cpus,
          .workers = config.workers.count,
          .wanted = config.workers.cores,
          .ports = ports};
}

nlohmann::json Patient::said(const char* pointer) const {
  const nlohmann::json::json_pointer where(pointer);
  return status.is_object() && status.contains(where) ? status[where] : nlohmann::json();
}

void Patient::look() {
  topology = machine::read_topology(tree);
  for (const std::uint16_t id : machine::usable_cpus(topology, affinity)) {
    const machine::Cpu* known = topology.find(id);
    cpus.push_back(known != nullptr ? *known : machine::Cpu{.id = id, .core = id});
  }
  const bool is_inline = config.placement == config::Placement::inline_;
  std::uint32_t frame = 0;
  const auto add = [&](std::string label, const std::string& device) {
    ports.push_back({std::move(label), device, machine::node_of_device(tree, device)});
    // A vdev's own arguments say its frames; the plan leaves them alone as well.
    if (config::device_kind(device) != config::DeviceKind::interface) return;
    const auto mtu = tree.number("/sys/class/net/" + device + "/mtu");
    if (mtu && *mtu > 0 && *mtu < 1 << 20)
      frame = std::max(frame, machine::frame_bytes(static_cast<std::uint32_t>(*mtu)));
  };
  for (const config::Segment& segment : config.segments) {
    add(segment.name + (is_inline ? " outside" : ""), segment.outside);
    if (is_inline) add(segment.name + " inside", segment.inside);
  }
  if (auto placed = machine::place(placement_request()); placed)
    placement = std::move(placed).value();
  else
    refusal = placed.error().text;
  need = machine::memory_need({.config = config,
                               .ports = ports.size(),
                               .frame_bytes = frame,
                               .table_bytes = machine::table_bytes(config)});
}

}  // namespace edgesentry::doctor
