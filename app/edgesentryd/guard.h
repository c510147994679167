// Looks four times a second at all that may fail or be used up, and sees to what the configuration
// says about it (docs/failure.md): the one writer of conditions and of the workers' stance.
//
// Owner: main. Everything is read from counters and gauges; only links cost a system call. What
// table_full, rules_full and clock_step do is done by the control thread itself.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "control/conditions.h"
#include "edgesentryd/controller.h"
#include "edgesentryd/nics.h"
#include "edgesentryd/outlets.h"
#include "edgesentryd/watchdog.h"
#include "plane/plane.h"

namespace edgesentry::appliance {

// What the configuration says, as words for status and logs.
[[nodiscard]] control::Conditions::Actions actions_of(const config::Failure& failure);

class Guard {
 public:
  using Say = std::function<void(std::string_view)>;
  struct Links {
    const config::Config& config;
    const Nics& nics;
    plane::Plane& plane;
    const Controller& controller;
    Outlets& outlets;
    control::Conditions& conditions;
    Say say;
  };

  explicit Guard(Links links);
  ~Guard();  // links that it took down are up again
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // After watchdog.look(). The sentence with which the process has to end and be started anew; none
  // while it need not.
  [[nodiscard]] std::optional<std::string> look(const Watchdog& watchdog, base::Micros now);

 private:
  // A counter that has grown since the last look.
  struct Growth {
    std::uint64_t before = 0;
    bool has_grown(std::uint64_t value) noexcept { return std::exchange(before, value) < value; }
  };
  void look_at_threads(const Watchdog& watchdog);
  void look_at_table();
  void look_at_rings();
  void look_at_buffers();
  void look_at_rules();
  void look_at_disk();
  void look_at_clock();
  void look_at_links();
  void look_at_filters();
  void pass_on(std::size_t port, bool is_up);
  void see(control::Condition condition, bool is_seen, std::string_view what);
  [[nodiscard]] std::uint32_t stance() const;

  Links links_;
  const control::Numbers& numbers_;
  base::Micros now_;
  Growth refused_blocks_, shed_blocks_, refused_alerts_, refused_events_, no_buffers_, clock_steps_;
  std::optional<base::Micros> unfiltered_;  // since when no filter of the kernel is in force
  std::vector<bool> held_down_;             // by us: [i] is port i
};

}  // namespace edgesentry::appliance
