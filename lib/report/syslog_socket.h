// The local syslog daemon: one datagram per line to a unix socket, never waiting. Connects again
// when the daemon was restarted. syslog(3) is not used: it blocks while the daemon does not read.
#pragma once

#include <string>

#include "report/transport.h"

namespace edgesentry::report {

class SyslogSocket final : public Transport {
 public:
  explicit SyslogSocket(std::string path = "/dev/log") : path_(std::move(path)) {}
  ~SyslogSocket() override;
  SyslogSocket(const SyslogSocket&) = delete;
  SyslogSocket& operator=(const SyslogSocket&) = delete;

  base::Status send(std::string& record) override;
  [[nodiscard]] std::string_view place() const noexcept override { return path_; }

 private:
  base::Status connect();
  base::Status send_datagram(const char* data, std::size_t size);
  void close() noexcept;

  std::string path_;
  int fd_ = -1;
};

}  // namespace edgesentry::report
