#include "nic/eal_log.h"

#include <rte_log.h>

#include <cerrno>
#include <cstring>

namespace edgesentry::nic {

EalLog::~EalLog() {
  if (stream_ == nullptr) return;
  rte_openlog_stream(nullptr);  // back to DPDK's own stream
  std::fclose(stream_);
}

base::Status EalLog::install() {
  cookie_io_functions_t functions{};
  functions.write = &EalLog::write;
  stream_ = ::fopencookie(this, "w", functions);
  if (stream_ == nullptr)
    return base::Error{std::string("DPDK's log cannot be opened: ") + std::strerror(errno)};
  std::setvbuf(stream_, nullptr, _IOLBF, 512);
  rte_openlog_stream(stream_);
  return {};
}

void EalLog::forward_to(Sink sink) {
  const std::lock_guard held(lock_);
  sink_ = std::move(sink);
}

std::string EalLog::recent() const {
  const std::lock_guard held(lock_);
  std::string joined;
  for (const std::string& line : lines_) joined += (joined.empty() ? "" : "; ") + line;
  return joined;
}

ssize_t EalLog::write(void* self, const char* bytes, std::size_t size) {
  // DPDK flushes each message by itself, so the level of the current one is that of these bytes.
  if (rte_log_cur_msg_loglevel() <= static_cast<int>(RTE_LOG_WARNING))
    static_cast<EalLog*>(self)->take({bytes, size});
  return static_cast<ssize_t>(size);
}

void EalLog::take(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (text.empty()) return;
  const std::lock_guard held(lock_);
  if (lines_.size() == kLinesKept) lines_.pop_front();
  lines_.emplace_back(text);
  if (sink_) sink_(lines_.back());
}

}  // namespace edgesentry::nic
