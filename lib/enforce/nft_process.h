// edgesentry-nft or edgesentry-xdp as a process of its own with an argument vector, an empty
// environment and one descriptor, the socket to us. See nft_link.h for owner and calls.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "enforce/nft_link.h"
#include "guard/launcher.h"

namespace edgesentry::enforce {

class NftProcess final : public NftLink {
 public:
  struct Settings {
    std::string program;  // absolute path
    bool has_inet = true;
    std::vector<std::string> devices;
    std::uint8_t ipv6_prefix = 64;
    std::vector<std::string> options;     // beside these
    guard::Launcher* launcher = nullptr;  // who starts it; nullptr: this process
  };
  // What the launcher has to be told before privileges are given up.
  [[nodiscard]] static std::vector<std::string> arguments(const Settings& settings);

  explicit NftProcess(Settings settings) : settings_(std::move(settings)) {}
  ~NftProcess() override { close(); }
  NftProcess(const NftProcess&) = delete;
  NftProcess& operator=(const NftProcess&) = delete;

  [[nodiscard]] base::Status open() override;
  [[nodiscard]] bool send(std::span<const std::byte> frame) override;
  [[nodiscard]] Got receive(std::vector<std::byte>& frame) override;
  void wait(std::chrono::milliseconds limit) override;
  void close() noexcept override;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }

 private:
  [[nodiscard]] base::Status start_here();

  const Settings settings_;
  int socket_ = -1;
  pid_t pid_ = -1;
};

// The program of this name that lies beside the running one.
[[nodiscard]] std::string beside_this_program(const std::string& name);

}  // namespace edgesentry::enforce
