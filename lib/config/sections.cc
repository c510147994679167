#include "config/sections.h"

#include <array>

namespace edgesentry::config {
namespace {

constexpr std::array kSections = {
    Section{"", "What the appliance does, and where it stands."},
    Section{"segment",
            "One [[segment]] for each wire the appliance stands in (inline: two devices) or "
            "listens to (tap, host: one device)."},
    Section{"dpdk",
            "The packet library underneath. The defaults suit a machine set aside for the job."},
    Section{"workers", "The threads that look at packets, one core each."},
    Section{"table",
            "How many sources are remembered. All of it is reserved at start; nothing is allocated "
            "later."},
    Section{"detect",
            "What counts as a scan. docs/detection.md gives the reasons for the numbers."},
    Section{"payload",
            "What is said inside the packets: failed logins, exploits, tools that name themselves. "
            "docs/detection.md tells what is looked for."},
    Section{"networks", "What is protected."},
    Section{"verify",
            "Proof of source: whether a scanner is where its packets say. docs/detection.md tells "
            "how."},
    Section{"block", "How long a scanner stays blocked."},
    Section{"allow", "Who is never blocked, whatever is seen."},
    Section{"enforce",
            "Who keeps blocked sources out beside the workers. docs/operating.md tells how."},
    Section{"log", "Where findings are written."},
    Section{"state", "What outlives the process: blocks, and how often a source was blocked."},
    Section{"metrics", "Prometheus metrics."},
    Section{"control",
            "The socket that the edgesentry command talks to, and the queues between threads."},
    Section{"api", "The same commands over HTTP, with a token. docs/api.md tells how."},
    Section{"failure",
            "What is done when something fails or is used up. docs/failure.md has the whole "
            "table."},
    Section{"privilege",
            "What the process may still do once everything is open. docs/security.md tells how."},
};

}  // namespace

std::span<const Section> sections() {
  return kSections;
}

std::string_view section_of(std::string_view key) {
  const auto dot = key.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : key.substr(0, dot);
}

std::string_view name_of(std::string_view key) {
  const auto dot = key.rfind('.');
  return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

}  // namespace edgesentry::config
