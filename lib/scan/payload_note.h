// What a payload said about a source, as the engine takes it. Whoever reads payloads makes these;
// the engine knows nothing of patterns. Plain values; any thread.
#pragma once

#include <cstdint>

#include "base/ip.h"
#include "scan/names.h"
#include "scan/tool.h"

namespace edgesentry::scan {

enum class PayloadKind : std::uint8_t {
  login_failed,  // the server refused a login
  login_ok,      // the server took one
  exploit,       // a probe for a hole, to which the server said something
  tool_named,    // no evidence: the source says which program it is
};

struct PayloadNote {
  base::Ip source;         // outside
  base::Ip target;         // the protected host
  std::uint16_t port = 0;  // of the protected host
  PayloadKind kind = PayloadKind::login_failed;
  // Which exploit: distinct ones count, repetitions do not. Of a login that was taken: how many
  // failures were told of its own connection. Of one that was refused: what it was offered with, in
  // 16 bits, 0 when that is not known; the same again is no other guess.
  std::uint32_t mark = 0;
  Tool tool = Tool::none;  // as the source calls itself on this connection
};

}  // namespace edgesentry::scan
