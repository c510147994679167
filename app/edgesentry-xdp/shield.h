// Our XDP program on the configured interfaces, and its maps: attached, kept attached, filled.
// Never replaces, detaches or reads the maps of another's program.
//
// One thread. The program stays attached when this process ends, so that a new one finds it, takes
// its maps over and puts its own program in the place of the old in one step: packets are dropped
// throughout. What the kernel refuses is an Error with its words.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "enforce/filter.h"
#include "xdp/attachment.h"
#include "xdp/drop_maps.h"

namespace edgesentry::xdp {

struct Settings {
  std::vector<std::string> devices;
  std::uint8_t ipv6_prefix = 64;
  std::uint32_t elements_max = 1u << 17;  // of each family
  bool is_native_only = false;            // a driver that cannot is a trouble; else: generic
};

class Shield final : public enforce::Filter {
 public:
  // Finds what an earlier run left, which needs CAP_SYS_ADMIN; without it, a program that is
  // attached counts as another's.
  static base::Result<std::unique_ptr<Shield>> look(Settings settings);
  // Once, before the first request: makes what was not found. CAP_BPF and CAP_NET_ADMIN will do.
  base::Status make();

  // Of the program that make() has made.
  [[nodiscard]] std::uint32_t program_id() const noexcept { return program_id_; }

  base::Result<bool> mend() override;
  std::optional<enforce::FilterCounts> count_when_due(
      std::span<const enforce::NftElement> sample) override;
  base::Result<bool> change(std::span<const enforce::NftElement> elements) override;
  [[nodiscard]] std::uint64_t held_when_full() const override { return held_when_full_; }
  void begin() override { ordered_.emplace(); }
  base::Status sweep() override;
  base::Status pass() override { return maps_->set_bypass(true); }
  base::Status remove() override;
  [[nodiscard]] std::uint64_t drops() const override;
  [[nodiscard]] std::string place() const override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Device {
    std::string name;
    unsigned index = 0;  // 0: missing, and waited for
    Mode mode = Mode::none;
    Descriptor earlier;  // the program of an earlier run, to be replaced
    std::uint32_t earlier_id = 0;
    bool is_hidden = false;  // there is one, and we may not look whether it is ours
  };

  explicit Shield(Settings settings) : settings_(std::move(settings)) {}
  void look_at(Device& device);
  base::Result<bool> mend_device(Device& device);
  base::Status remove_earlier(Device& device);
  base::Status attach_to(Device& device, Mode mode, int instead_of);
  base::Status put(const enforce::NftElement& element);
  base::Status forget_ended();

  const Settings settings_;
  std::vector<Device> devices_;
  std::optional<DropMaps> maps_;
  Descriptor program_;
  std::uint32_t program_id_ = 0;
  bool was_whole_ = false;  // it has stood on all devices once
  std::string fault_;       // why it does not now; empty: it does
  Clock::time_point count_again_{};
  std::optional<std::unordered_set<base::Ip, base::IpHash>> ordered_;  // since begin()
  std::uint64_t held_when_full_ = 0;                                   // of the last change
  mutable std::uint64_t drops_ = 0;
};

}  // namespace edgesentry::xdp
