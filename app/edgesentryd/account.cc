#include "edgesentryd/account.h"

#include <fmt/format.h>

namespace edgesentry::appliance {

std::string Account::to_string() const {
  return fmt::format(
      "received {} {} forwarded {} + dropped by verdict {} + dropped by fault {} packets", received,
      adds_up() ? "=" : "!=", forwarded, dropped_verdict, dropped_fault);
}

Account account_of(std::span<const scan::Tally* const> workers) noexcept {
  Account sum;
  for (const scan::Tally* worker : workers) {
    sum.received += worker->received_packets.value();
    sum.forwarded += worker->forwarded_packets.value();
    for (const base::Counter& drop : worker->dropped_verdict) sum.dropped_verdict += drop.value();
    for (const base::Counter& drop : worker->dropped_fault) sum.dropped_fault += drop.value();
  }
  return sum;
}

}  // namespace edgesentry::appliance
