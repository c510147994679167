// What the rte_flow enforcer needs of one port: rules that drop everything from a source. A seam of
// our own, so that what a NIC may do wrong can be played; nic/flow_drop.h is the real one.
//
// Owner: the control thread, all calls but losses(). Control side only; each call may take as long
// as a system call or a mailbox of the firmware does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"

namespace edgesentry::enforce {

class FlowApi {
 public:
  using Rule = std::uintptr_t;  // the driver's; never 0 for a rule that was made

  enum class Outcome : std::uint8_t {
    done,
    full,     // no room for one more
    gone,     // the port does not know this rule any more
    refused,  // all else
  };
  struct Answer {
    Outcome outcome = Outcome::done;
    Rule rule = 0;              // of create()
    std::uint64_t packets = 0;  // of count(), dropped since the rule was made
    std::string fault = {};     // the driver's words, unless done
  };

  virtual ~FlowApi() = default;
  [[nodiscard]] virtual std::string_view label() const noexcept = 0;  // "lan outside"
  // Whether such a rule could be made; makes none. An IPv6 source stands for its prefix.
  [[nodiscard]] virtual base::Status validate(const base::Ip& source, bool is_counted) = 0;
  [[nodiscard]] virtual Answer create(const base::Ip& source, bool is_counted) = 0;
  [[nodiscard]] virtual Answer destroy(Rule rule) = 0;
  [[nodiscard]] virtual Answer count(Rule rule) = 0;
  // All rules at once. Afterwards no handle counts.
  [[nodiscard]] virtual Answer flush() = 0;
  // Grows whenever the port has lost its rules, as in a reset. Written by a thread of the driver.
  [[nodiscard]] virtual std::uint64_t losses() const noexcept = 0;
};

}  // namespace edgesentry::enforce
