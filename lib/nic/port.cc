#include "nic/port.h"

#include <fmt/format.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "nic/kernel_link.h"

namespace edgesentry::nic {
namespace {

constexpr std::uint64_t kRssIpv4 = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 |
                                   RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP |
                                   RTE_ETH_RSS_NONFRAG_IPV4_SCTP | RTE_ETH_RSS_NONFRAG_IPV4_OTHER;
constexpr std::uint64_t kRssIpv6 = RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 |
                                   RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP |
                                   RTE_ETH_RSS_NONFRAG_IPV6_SCTP | RTE_ETH_RSS_NONFRAG_IPV6_OTHER |
                                   RTE_ETH_RSS_IPV6_EX;
constexpr std::size_t kRssKeyMax = 64;  // the longest of 22.11 is 52 bytes (i40e, ice)
constexpr std::uint16_t kTableMax = 4096;

// A Toeplitz hash takes a window of its key for each input bit. With a key that repeats every 16
// bits the window, and so the hash of an address, does not depend on where the address stands in
// the input: source-only on the outside port and destination-only on the inside port then agree on
// the same queue (Woo and Park, "Scalable TCP session monitoring with symmetric RSS", 2012, show
// the same trick for both directions). The word is random, so queues cannot be chosen by senders.
std::array<std::uint8_t, kRssKeyMax> rss_key(std::uint16_t word) {
  std::array<std::uint8_t, kRssKeyMax> key{};
  for (std::size_t i = 0; i < key.size(); ++i)
    key[i] = static_cast<std::uint8_t>(i % 2 == 0 ? word >> 8 : word & 0xff);
  return key;
}

std::uint64_t address_only_flag(Side side) {
  switch (side) {
    case Side::outside:
      return RTE_ETH_RSS_L3_SRC_ONLY;
    case Side::inside:
      return RTE_ETH_RSS_L3_DST_ONLY;
    case Side::tap:
      return 0;  // a tap shows both directions on one port: no such hash exists
  }
  return 0;
}

// The flag that makes a NIC hash on as much of an IPv6 address as one source has.
std::uint64_t ipv6_prefix_flag(std::uint8_t prefix) {
  switch (prefix) {
    case 32:
      return RTE_ETH_RSS_L3_PRE32;
    case 40:
      return RTE_ETH_RSS_L3_PRE40;
    case 48:
      return RTE_ETH_RSS_L3_PRE48;
    case 56:
      return RTE_ETH_RSS_L3_PRE56;
    case 64:
      return RTE_ETH_RSS_L3_PRE64;
    case 96:
      return RTE_ETH_RSS_L3_PRE96;
    default:
      return 0;
  }
}

std::string reason(int code) {
  return rte_strerror(code < 0 ? -code : code);
}

}  // namespace

std::string_view to_string(Spread spread) noexcept {
  switch (spread) {
    case Spread::single:
      return "single";
    case Spread::by_source:
      return "by_source";
    case Spread::by_source_ipv4:
      return "by_source_ipv4";
    case Spread::handover:
      return "handover";
  }
  return "unknown";
}

base::Result<Port> Port::open(const PortSettings& settings, const PacketPool& pool) {
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(settings.device.c_str(), &id) != 0)
    return base::Error{fmt::format(
        "{}: DPDK found no port \"{}\". A PCI device must be bound to a driver that DPDK can use "
        "(`driverctl set-override {} vfio-pci`); a virtual one must be given complete arguments",
        settings.label, settings.device, settings.device)};
  Port port(id, settings);
  if (base::Status status = port.configure(); !status) return status.error();
  if (base::Status status = port.set_up_queues(pool); !status) return status.error();
  if (base::Status status = port.start(); !status) return status.error();
  port.verify_spread();
  return port;
}

Port::Port(Port&& other) noexcept
    : id_(other.id_),
      settings_(std::move(other.settings_)),
      driver_(std::move(other.driver_)),
      spread_(other.spread_),
      rx_queues_(other.rx_queues_),
      tx_queues_(other.tx_queues_),
      rss_table_size_(other.rss_table_size_),
      rss_asked_(other.rss_asked_),
      socket_(other.socket_),
      frame_room_(other.frame_room_),
      kernel_index_(other.kernel_index_),
      is_open_(std::exchange(other.is_open_, false)),
      notes_(std::move(other.notes_)) {}

Port::~Port() {
  if (!is_open_) return;
  // Drivers of kernel interfaces leave the flag standing. It is ours: an earlier run that was
  // killed may have set it. One that cannot, never could.
  rte_eth_promiscuous_disable(id_);
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
}

base::Error Port::fault(std::string_view tried, int code, std::string_view remedy) const {
  return base::Error{fmt::format("{} ({}, driver {}): {} failed ({}): {}", settings_.label,
                                 settings_.device, driver_, tried, reason(code), remedy)};
}

base::Status Port::configure() {
  rte_eth_dev_info info{};
  if (const int code = rte_eth_dev_info_get(id_, &info); code != 0)
    return fault("asking for its capabilities", code, "the device may be gone");
  driver_ = info.driver_name != nullptr ? info.driver_name : "unknown";
  socket_ = rte_eth_dev_socket_id(id_);
  rx_queues_ = std::min(settings_.workers, info.max_rx_queues);
  const bool transmits = settings_.side != Side::tap;
  tx_queues_ = transmits ? settings_.workers : std::min<std::uint16_t>(1, info.max_tx_queues);
  if (rx_queues_ == 0 || tx_queues_ > info.max_tx_queues)
    return base::Error{fmt::format(
        "{} ({}, driver {}): it has {} receive and {} transmit queues, but each of the {} workers "
        "transmits on its own: lower [workers] count to {}, or give the device more queues",
        settings_.label, settings_.device, driver_, info.max_rx_queues, info.max_tx_queues,
        settings_.workers, info.max_tx_queues)};
  if (rx_queues_ < settings_.workers)
    notes_.push_back(
        fmt::format("{}: {} receive queue(s) for {} workers; the others live on "
                    "hand-over",
                    settings_.label, rx_queues_, settings_.workers));

  rte_eth_conf conf{};
  auto key = rss_key(settings_.rss_word);
  const std::uint64_t offered = info.flow_type_rss_offloads;
  if (rx_queues_ > 1 && offered != 0) {
    rss_asked_ = offered & (kRssIpv4 | kRssIpv6 | address_only_flag(settings_.side) |
                            ipv6_prefix_flag(settings_.ipv6_prefix));
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = rss_asked_;
    if (info.hash_key_size > 0 && info.hash_key_size <= key.size()) {
      conf.rx_adv_conf.rss_conf.rss_key = key.data();
      conf.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size;
    }
    rss_table_size_ = info.reta_size;
  }
  // All buffers come from one pool and are never shared, which is what fast free asks for.
  conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
  if (const int code = rte_eth_dev_configure(id_, rx_queues_, tx_queues_, &conf); code != 0)
    return fault(fmt::format("setting {} receive and {} transmit queues", rx_queues_, tx_queues_),
                 code, "lower [workers] count");
  return {};
}

base::Status Port::set_up_queues(const PacketPool& pool) {
  std::uint16_t rx_descriptors = settings_.descriptors, tx_descriptors = settings_.descriptors;
  if (const int code = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors, &tx_descriptors);
      code != 0)
    return fault("agreeing on descriptors", code, "change [workers] queue_descriptors");
  const auto socket = static_cast<unsigned>(socket_);  // SOCKET_ID_ANY is -1 here too
  for (std::uint16_t queue = 0; queue < rx_queues_; ++queue)
    if (const int code =
            rte_eth_rx_queue_setup(id_, queue, rx_descriptors, socket, nullptr, pool.get());
        code != 0)
      return fault(fmt::format("setting up receive queue {}", queue), code,
                   "raise [dpdk] memory_mb, or lower [workers] queue_descriptors");
  for (std::uint16_t queue = 0; queue < tx_queues_; ++queue)
    if (const int code = rte_eth_tx_queue_setup(id_, queue, tx_descriptors, socket, nullptr);
        code != 0)
      return fault(fmt::format("setting up transmit queue {}", queue), code,
                   "raise [dpdk] memory_mb, or lower [workers] queue_descriptors");
  return {};
}

base::Status Port::start() {
  if (const int code = rte_eth_dev_start(id_); code != 0)
    return fault("starting it", code, "check that nothing else uses the device");
  // A wire has no address of its own: it takes every frame. Virtual devices without such a mode
  // deliver everything anyway.
  if (const int code = rte_eth_promiscuous_enable(id_); code != 0 && code != -ENOTSUP)
    notes_.push_back(
        fmt::format("{}: promiscuous mode refused ({}); only frames addressed to the "
                    "interface arrive",
                    settings_.label, reason(code)));
  rte_eth_stats_reset(id_);
  frame_room_ = read_frame_room(id_);
  if (rte_eth_dev_info facts{}; rte_eth_dev_info_get(id_, &facts) == 0)
    kernel_index_ = facts.if_index;
  return {};
}

// The table decides which queue a hash goes to; both ports of a segment must have the same one.
bool Port::spread_table_evenly() const {
  if (rss_table_size_ == 0 || rss_table_size_ > kTableMax) return false;
  std::array<rte_eth_rss_reta_entry64, kTableMax / RTE_ETH_RETA_GROUP_SIZE> table{};
  for (std::uint16_t i = 0; i < rss_table_size_; ++i) {
    rte_eth_rss_reta_entry64& group = table[i / RTE_ETH_RETA_GROUP_SIZE];
    group.mask = ~std::uint64_t{0};
    group.reta[i % RTE_ETH_RETA_GROUP_SIZE] = i % rx_queues_;
  }
  return rte_eth_dev_rss_reta_update(id_, table.data(), rss_table_size_) == 0;
}

// Trusts only what the driver says it granted, read back after the start.
void Port::verify_spread() {
  if (settings_.workers == 1) {
    spread_ = Spread::single;
    return;
  }
  const std::uint64_t only = address_only_flag(settings_.side);
  std::array<std::uint8_t, kRssKeyMax> key{};
  rte_eth_rss_conf granted{};
  granted.rss_key = key.data();
  granted.rss_key_len = kRssKeyMax;
  const bool hashes_addresses =
      rx_queues_ == settings_.workers && only != 0 && (rss_asked_ & only) != 0 &&
      rte_eth_dev_rss_hash_conf_get(id_, &granted) == 0 && (granted.rss_hf & only) != 0 &&
      (granted.rss_hf & RTE_ETH_RSS_IPV4) != 0 &&
      std::equal(key.begin(), key.begin() + 40, rss_key(settings_.rss_word).begin()) &&
      spread_table_evenly();
  if (!hashes_addresses) {
    spread_ = Spread::handover;
    notes_.push_back(fmt::format(
        "{}: driver {} cannot spread packets by {} address alone; workers hand them over", label(),
        driver_, settings_.side == Side::inside ? "destination" : "source"));
    return;
  }
  const std::uint64_t prefix = ipv6_prefix_flag(settings_.ipv6_prefix);
  const bool hashes_prefix = settings_.ipv6_prefix == 128 || (granted.rss_hf & prefix) != 0;
  spread_ = (granted.rss_hf & RTE_ETH_RSS_IPV6) != 0 && hashes_prefix ? Spread::by_source
                                                                      : Spread::by_source_ipv4;
}

PortStats Port::stats() const noexcept {
  rte_eth_stats raw{};
  if (rte_eth_stats_get(id_, &raw) != 0) return {};
  return {.rx_packets = raw.ipackets,
          .rx_bytes = raw.ibytes,
          .tx_packets = raw.opackets,
          .tx_bytes = raw.obytes,
          .rx_missed = raw.imissed,
          .rx_errors = raw.ierrors,
          .rx_no_buffer = raw.rx_nombuf,
          .tx_errors = raw.oerrors};
}

bool Port::link_is_up() const noexcept {
  if (kernel_index_ != 0) return read_kernel_link(kernel_index_).is_up();
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

base::Status Port::set_link(bool is_up) const {
  if (kernel_index_ != 0) return set_kernel_link(kernel_index_, is_up);
  const int code = is_up ? rte_eth_dev_set_link_up(id_) : rte_eth_dev_set_link_down(id_);
  if (code == 0) return {};
  return fault(is_up ? "to take the link up" : "to take the link down", code,
               "see whether its driver can");
}

std::uint64_t Port::link_bits_per_second() const noexcept {
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(id_, &link) != 0 || link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
    return 0;
  return std::uint64_t{link.link_speed} * 1'000'000;
}

std::vector<std::string> wait_for_links(std::span<const Port> ports,
                                        std::chrono::milliseconds limit) {
  constexpr std::chrono::milliseconds kStep{50};
  std::vector<std::string> down;
  for (std::chrono::milliseconds waited{0};; waited += kStep) {
    down.clear();
    for (const Port& port : ports)
      if (!port.link_is_up()) down.push_back(port.label());
    if (down.empty() || waited >= limit) return down;
    std::this_thread::sleep_for(kStep);
  }
}

}  // namespace edgesentry::nic
