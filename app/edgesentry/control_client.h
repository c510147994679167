// One question to a running edgesentryd over its unix socket: one line of JSON there, one back.
//
// Blocking, one thread, bounded: at most five seconds of silence (35 for a reload) and
// kReplyBytesMax of reply. Every failure is a sentence with its remedy.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"

namespace edgesentry::cli {

inline constexpr std::size_t kReplyBytesMax = 256u << 20;

class ControlClient {
 public:
  explicit ControlClient(std::string socket_path) : path_(std::move(socket_path)) {}

  // The reply as it came, without its newline.
  [[nodiscard]] base::Result<std::string> ask_raw(const nlohmann::json& request) const;
  // The reply's object when it says ok; its error's sentence otherwise, and a line for each problem
  // that comes with it.
  [[nodiscard]] static base::Result<nlohmann::json> understand(const std::string& reply);

 private:
  std::string path_;
};

}  // namespace edgesentry::cli
