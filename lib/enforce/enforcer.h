// Something that can keep a source out: the workers' own tables, the NIC, nftables. Control side
// only, off the packet path.
//
// Owner: the control thread, all calls. Orders are idempotent and arrive in the order in which the
// ledger changed. submit() never blocks and never loses an order: what cannot be passed on now is
// kept (bounded) or, past that bound, made up for from the ledger by reconcile().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "policy/ledger.h"
#include "scan/order.h"

namespace edgesentry::enforce {

struct Health {
  std::uint64_t sent = 0;        // orders passed on, resent ones included
  std::uint64_t pending = 0;     // taken, but not yet passed on
  std::uint64_t overflows = 0;   // times the backlog was full and the ledger had to be replayed
  bool is_reconciling = false;   // the ledger is being replayed now
  bool is_in_force = true;       // false: what was ordered is not, or not surely, carried out
  bool is_used = true;           // false: it can do nothing here, and nobody insisted that it does
  bool is_passing = true;        // false: the bypass is on, and it has not confirmed that yet
  std::uint64_t programmed = 0;  // sources it keeps out, where it can tell
  std::uint64_t waiting = 0;     // blocks that it has no room for; they are not in force there
  std::uint64_t failures = 0;    // orders or batches that were refused
  std::uint64_t restarts = 0;    // of a process it needs
  std::uint64_t repairs = 0;     // times that what it had programmed was gone, or changed by others
  // Of those with little room:
  std::uint64_t wanted = 0;         // sources that it would keep out if it had room
  std::uint64_t capacity = 0;       // sources it has room for; 0: more than it has been given yet
  std::uint64_t ports_refused = 0;  // ports that take nothing at all
  std::uint64_t packets = 0;        // dropped, where it can tell
};

class Enforcer {
 public:
  virtual ~Enforcer() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  virtual void submit(std::span<const scan::Order> orders) = 0;
  // Once a round: passes on what waits, and brings what was missed in line with the ledger.
  // Bounded.
  virtual void reconcile(const policy::Ledger& ledger) = 0;
  // While on, nothing is kept out; reconcile() makes it so. For those that ask no policy.
  virtual void set_bypass(bool /*is_on*/) {}
  // While on, it holds no more sources than it does now: how being full is tried out.
  virtual void limit_to_present(bool /*is_on*/) {}
  [[nodiscard]] virtual Health health() const noexcept = 0;
  // It is a packet filter of this machine's kernel, which drops wherever the appliance stands.
  [[nodiscard]] virtual bool is_kernel() const noexcept { return false; }
  // Where and how it drops, for people; empty: there is nothing to say.
  [[nodiscard]] virtual std::string_view place() const noexcept { return {}; }
  // Why it is not in force; empty: it is, or who knows. Any thread.
  [[nodiscard]] virtual std::string trouble() const { return {}; }
  // How people take away what it holds in the kernel; empty: it holds nothing there.
  [[nodiscard]] virtual std::string_view by_hand() const noexcept { return {}; }
};

}  // namespace edgesentry::enforce
