// What the control thread tells a worker about a source. Orders are idempotent: repeating one
// changes nothing, so a restart, a retry and a reconciliation are the same operation.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/ip.h"

namespace edgesentry::scan {

enum class OrderKind : std::uint8_t {
  block,    // drop this source until lifted; expiry is the ledger's business, not the worker's
  lift,     // forward it again, and forget what was held against it
  contain,  // it has proven nothing: only what it sends to live services passes
};

struct Order {
  base::Ip source;  // an IPv6 source stands for its configured prefix
  OrderKind kind = OrderKind::block;
  std::uint8_t padding[7] = {};
};
static_assert(std::is_trivially_copyable_v<Order> && sizeof(Order) == 24);

}  // namespace edgesentry::scan
