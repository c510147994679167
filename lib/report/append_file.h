// A log file that is only ever appended to: created with its directory when missing (mode 0640),
// opened anew when logrotate has moved or removed it, unharmed by copytruncate, never through a
// symbolic link, never anything but a regular file. A line that a crash cut short is ended first.
#pragma once

#include <string>

#include "report/transport.h"

namespace edgesentry::report {

class AppendFile final : public Transport {
 public:
  explicit AppendFile(std::string path) : path_(std::move(path)) {}
  ~AppendFile() override;
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  base::Status send(std::string& record) override;
  [[nodiscard]] std::string_view place() const noexcept override { return path_; }

 private:
  base::Status make_ready();
  base::Status open();
  [[nodiscard]] bool was_rotated() const;
  void close() noexcept;
  [[nodiscard]] base::Error trouble(const char* what, int error, const char* remedy) const;

  std::string path_;
  int fd_ = -1;
  bool inside_record_ = false;  // the front of a record is in the file, its end is not
};

}  // namespace edgesentry::report
