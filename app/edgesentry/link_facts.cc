#include "link_facts.h"

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace edgesentry::cli {
namespace {

class Socket {
 public:
  Socket(int family, int type, int protocol)
      : descriptor_(::socket(family, type | SOCK_CLOEXEC, protocol)) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

std::optional<std::uint32_t> ask_ethtool(int socket, const std::string& name,
                                         std::uint32_t command) {
  ethtool_value value{.cmd = command, .data = 0};
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (::ioctl(socket, SIOCETHTOOL, &request) != 0) return std::nullopt;
  return value.data;
}

std::optional<bool> read_merges(const std::string& name) {
  const Socket socket(AF_INET, SOCK_DGRAM, 0);
  const auto gro = ask_ethtool(socket.get(), name, ETHTOOL_GGRO);
  const auto flags = ask_ethtool(socket.get(), name, ETHTOOL_GFLAGS);
  if (!gro && !flags) return std::nullopt;
  return gro.value_or(0) != 0 || (flags.value_or(0) & ETH_FLAG_LRO) != 0;
}

// The attribute of this type among those from `first` on; nullptr: there is none.
const rtattr* find_attribute(const rtattr* first, std::size_t size, unsigned type) {
  auto left = static_cast<unsigned>(size);
  for (const rtattr* each = first; RTA_OK(each, left); each = RTA_NEXT(each, left))
    if ((each->rta_type & NLA_TYPE_MASK) == type) return each;
  return nullptr;
}

std::optional<bool> read_has_xdp(const std::string& name) {
  const unsigned index = ::if_nametoindex(name.c_str());
  const Socket socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (index == 0 || socket.get() < 0) return std::nullopt;
  struct {
    nlmsghdr header;
    ifinfomsg link;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.link.ifi_family = AF_UNSPEC;
  request.link.ifi_index = static_cast<int>(index);
  const timeval limit{.tv_sec = 2, .tv_usec = 0};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::send(socket.get(), &request, sizeof request, 0) != sizeof request) return std::nullopt;
  alignas(nlmsghdr) std::array<char, 32768> reply;
  const ssize_t got = ::recv(socket.get(), reply.data(), reply.size(), 0);
  const auto* header = reinterpret_cast<const nlmsghdr*>(reply.data());
  if (got <= 0 || !NLMSG_OK(header, static_cast<unsigned>(got)) ||
      header->nlmsg_type != RTM_NEWLINK || header->nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg)))
    return std::nullopt;
  const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(header));
  const rtattr* xdp = find_attribute(IFLA_RTA(link), IFLA_PAYLOAD(header), IFLA_XDP);
  if (xdp == nullptr) return std::nullopt;
  const rtattr* attached = find_attribute(static_cast<const rtattr*>(RTA_DATA(xdp)),
                                          RTA_PAYLOAD(xdp), IFLA_XDP_ATTACHED);
  if (attached == nullptr || RTA_PAYLOAD(attached) < 1) return std::nullopt;
  return *static_cast<const std::uint8_t*>(RTA_DATA(attached)) != XDP_ATTACHED_NONE;
}

}  // namespace

doctor::LinkFacts read_link_facts(const std::string& interface) {
  return {.name = interface, .merges = read_merges(interface), .has_xdp = read_has_xdp(interface)};
}

}  // namespace edgesentry::cli
