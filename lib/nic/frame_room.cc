#include "nic/frame_room.h"

#include <net/if.h>
#include <rte_ethdev.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string_view>

namespace edgesentry::nic {
namespace {

// 0: not to be had.
std::uint32_t kernel_mtu(unsigned interface) noexcept {
  ifreq request{};
  if (::if_indextoname(interface, request.ifr_name) == nullptr) return 0;
  const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (any < 0) return 0;
  const bool is_known = ::ioctl(any, SIOCGIFMTU, &request) == 0 && request.ifr_mtu > 0;
  ::close(any);
  return is_known ? static_cast<std::uint32_t>(request.ifr_mtu) : 0;
}

}  // namespace

FrameRoom read_frame_room(std::uint16_t port) noexcept {
  std::uint16_t port_mtu = 0;
  if (rte_eth_dev_get_mtu(port, &port_mtu) != 0) port_mtu = RTE_ETHER_MTU;
  std::uint32_t mtu = port_mtu;
  rte_eth_dev_info info{};
  const bool is_told = rte_eth_dev_info_get(port, &info) == 0;
  if (is_told && info.if_index > 0)
    if (const std::uint32_t kernel = kernel_mtu(info.if_index); kernel > 0) mtu = kernel;
  const std::string_view driver = is_told && info.driver_name != nullptr ? info.driver_name : "";
  return {.untagged = mtu + kEthernetHeader, .is_packet_socket = driver == "net_af_packet"};
}

}  // namespace edgesentry::nic
