// One opened DPDK port: queues, RSS, capabilities asked and answered, statistics, a clean close.
//
// Made and destroyed by main, after EAL and the packet pool and before they go. Workers use the
// port's id with their own queues only; stats() may be called by any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "nic/frame_room.h"
#include "nic/packet_pool.h"

namespace edgesentry::nic {

enum class Side : std::uint8_t {
  outside,  // sources under observation arrive here
  inside,   // protected hosts answer here
  tap,      // both directions, receive only (tap and host)
};

// How the packets of one source reach one worker. Both sides of an outside address must meet on the
// same worker, so an outside port hashes on the source only and an inside port on the destination.
enum class Spread : std::uint8_t {
  single,          // one worker: nothing to spread
  by_source,       // the NIC does it for IPv4 and IPv6
  by_source_ipv4,  // ... for IPv4 only (IPv6 sources are prefixes, and it cannot hash those)
  handover,        // it cannot: workers pass packets to the owner through rings
};
[[nodiscard]] std::string_view to_string(Spread spread) noexcept;

struct PortSettings {
  std::string device;  // DPDK's name (EalPlan::ports)
  std::string label;   // for messages and metrics: "lan outside"
  Side side = Side::outside;
  std::uint16_t workers = 1;
  std::uint16_t descriptors = 1024;
  std::uint8_t ipv6_prefix = 64;
  std::uint16_t rss_word = 0x6d5a;  // random, the same for all ports; see rss_key() in port.cc
};

struct PortStats {  // since the port was opened
  std::uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;
  std::uint64_t rx_missed = 0;     // the NIC had no descriptor: workers were too slow
  std::uint64_t rx_errors = 0;     // broken on the wire
  std::uint64_t rx_no_buffer = 0;  // the packet pool was empty
  std::uint64_t tx_errors = 0;
};

class Port {
 public:
  static base::Result<Port> open(const PortSettings& settings, const PacketPool& pool);
  Port(Port&& other) noexcept;
  Port& operator=(Port&&) = delete;
  ~Port();  // stops and closes

  [[nodiscard]] std::uint16_t id() const noexcept { return id_; }
  [[nodiscard]] Side side() const noexcept { return settings_.side; }
  [[nodiscard]] const std::string& label() const noexcept { return settings_.label; }
  [[nodiscard]] const std::string& device() const noexcept { return settings_.device; }
  [[nodiscard]] const std::string& driver() const noexcept { return driver_; }
  [[nodiscard]] Spread spread() const noexcept { return spread_; }
  [[nodiscard]] int node() const noexcept { return socket_; }  // NUMA; -1: unknown
  [[nodiscard]] std::uint16_t rx_queues() const noexcept { return rx_queues_; }
  [[nodiscard]] std::uint16_t tx_queues() const noexcept { return tx_queues_; }
  // What may leave by it in one frame, as it was at the start.
  [[nodiscard]] const FrameRoom& frame_room() const noexcept { return frame_room_; }
  // Worth telling the operator: what the device could not do.
  [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }

  [[nodiscard]] PortStats stats() const noexcept;
  [[nodiscard]] bool link_is_up() const noexcept;
  // As an administrator would. Not every driver can.
  base::Status set_link(bool is_up) const;
  // Its kernel interface; 0: it has none.
  [[nodiscard]] unsigned kernel_index() const noexcept { return kernel_index_; }
  [[nodiscard]] std::uint64_t link_bits_per_second() const noexcept;  // 0: unknown

 private:
  Port(std::uint16_t id, PortSettings settings) : id_(id), settings_(std::move(settings)) {}
  base::Status configure();
  base::Status set_up_queues(const PacketPool& pool);
  base::Status start();
  void verify_spread();
  [[nodiscard]] bool spread_table_evenly() const;
  [[nodiscard]] base::Error fault(std::string_view tried, int code, std::string_view remedy) const;

  std::uint16_t id_;
  PortSettings settings_;
  std::string driver_;
  Spread spread_ = Spread::handover;
  std::uint16_t rx_queues_ = 0, tx_queues_ = 0;
  std::uint16_t rss_table_size_ = 0;
  std::uint64_t rss_asked_ = 0;
  int socket_ = -1;  // NUMA node, -1 where unknown
  FrameRoom frame_room_;
  unsigned kernel_index_ = 0;
  bool is_open_ = true;
  std::vector<std::string> notes_;
};

// Waits until every link is up, but never longer than `limit`; returns the labels of those down.
[[nodiscard]] std::vector<std::string> wait_for_links(std::span<const Port> ports,
                                                      std::chrono::milliseconds limit);

}  // namespace edgesentry::nic
