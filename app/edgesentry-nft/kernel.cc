#include "edgesentry-nft/kernel.h"

#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace edgesentry::nft {
namespace {

constexpr int kAnswerLimitSeconds = 10;
constexpr std::size_t kReadBytes = 1u << 16;  // more than the kernel puts into one datagram

base::Error failed(std::string_view what, int error) {
  return {fmt::format("nf_tables: {}: {}", what, std::strerror(error))};
}

class Request {
 public:
  Request(std::uint16_t message, std::uint8_t family, std::uint16_t flags) {
    nlmsghdr header{};
    header.nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message);
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    put(&header, sizeof header);
    const nfgenmsg about{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = 0};
    put(&about, sizeof about);
  }
  void text(std::uint16_t type, const std::string& value) {
    const nlattr attribute{static_cast<std::uint16_t>(sizeof(nlattr) + value.size() + 1), type};
    put(&attribute, sizeof attribute);
    put(value.c_str(), value.size() + 1);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }
  // The one element asked for: a list of one, with its key.
  void key(const base::Ip& source) {
    const auto& bytes = source.bytes();
    const std::size_t size = source.is_v4() ? 4 : 16;
    open_nest(NFTA_SET_ELEM_LIST_ELEMENTS, 4 * sizeof(nlattr) + size);
    open_nest(NFTA_LIST_ELEM, 3 * sizeof(nlattr) + size);
    open_nest(NFTA_SET_ELEM_KEY, 2 * sizeof(nlattr) + size);
    const nlattr value{static_cast<std::uint16_t>(sizeof(nlattr) + size), NFTA_DATA_VALUE};
    put(&value, sizeof value);
    put(bytes.data() + 16 - size, size);
  }
  const std::vector<char>& finish() {
    const auto length = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &length, sizeof length);  // nlmsg_len stands first
    return bytes_;
  }

 private:
  void open_nest(std::uint16_t type, std::size_t size) {
    const nlattr nest{static_cast<std::uint16_t>(size),
                      static_cast<std::uint16_t>(type | NLA_F_NESTED)};
    put(&nest, sizeof nest);
  }
  void put(const void* data, std::size_t size) {
    const auto* from = static_cast<const char*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
  }
  std::vector<char> bytes_;
};

// Calls take(type, payload) for each attribute that lies wholly inside.
template <class Take>
void each_attribute(std::span<const char> bytes, Take take) {
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr attribute;
    std::memcpy(&attribute, bytes.data(), sizeof attribute);
    if (attribute.nla_len < sizeof attribute || attribute.nla_len > bytes.size()) return;
    take(attribute.nla_type & NLA_TYPE_MASK,
         bytes.subspan(sizeof attribute, attribute.nla_len - sizeof attribute));
    bytes = bytes.subspan(std::min<std::size_t>(NLMSG_ALIGN(attribute.nla_len), bytes.size()));
  }
}

std::uint8_t number_of(const std::string& family) {
  return family == "netdev" ? NFPROTO_NETDEV : NFPROTO_INET;
}

void add_address(std::span<const char> value, std::vector<base::Ip>& out) {
  std::array<std::uint8_t, 16> bytes{};
  if (value.size() == 4) {
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(bytes.data() + 12, value.data(), 4);
  } else if (value.size() == 16) {
    std::memcpy(bytes.data(), value.data(), 16);
  } else {
    return;
  }
  out.push_back(base::Ip::from_bytes(bytes));
}

void add_elements(std::span<const char> message, std::vector<base::Ip>& out) {
  each_attribute(message, [&](int type, std::span<const char> list) {
    if (type != NFTA_SET_ELEM_LIST_ELEMENTS) return;
    each_attribute(list, [&](int, std::span<const char> element) {
      each_attribute(element, [&](int kind, std::span<const char> key) {
        if (kind != NFTA_SET_ELEM_KEY) return;
        each_attribute(key, [&](int part, std::span<const char> value) {
          if (part == NFTA_DATA_VALUE) add_address(value, out);
        });
      });
    });
  });
}

// Of the one element of the message.
std::optional<std::uint64_t> time_left(std::span<const char> message) {
  std::optional<std::uint64_t> left;
  each_attribute(message, [&](int type, std::span<const char> list) {
    if (type != NFTA_SET_ELEM_LIST_ELEMENTS) return;
    each_attribute(list, [&](int, std::span<const char> element) {
      each_attribute(element, [&](int kind, std::span<const char> value) {
        std::uint64_t milliseconds = 0;
        if (kind != NFTA_SET_ELEM_EXPIRATION || value.size() != sizeof milliseconds) return;
        std::memcpy(&milliseconds, value.data(), sizeof milliseconds);
        left = __builtin_bswap64(milliseconds) / 1000;
      });
    });
  });
  return left;
}

}  // namespace

base::Result<Kernel> Kernel::open() {
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) return failed("no netlink socket", errno);
  const timeval limit{.tv_sec = kAnswerLimitSeconds, .tv_usec = 0};
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) {
    const int error = errno;
    ::close(fd);
    return failed("no time limit on the netlink socket", error);
  }
  return Kernel(fd);
}

base::Status Kernel::reopen() {
  auto fresh = open();
  if (!fresh) return fresh.error();
  std::swap(fd_, fresh.value().fd_);
  return {};
}

Kernel::~Kernel() {
  if (fd_ >= 0) ::close(fd_);
}

// Calls take(payload) for each message of the answer; false from it ends the answer.
template <class Take>
base::Status Kernel::ask(std::vector<char> request, Take take, int* refusal) {
  const std::uint32_t sequence = ++sequence_;
  std::memcpy(request.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
  if (::send(fd_, request.data(), request.size(), 0) < 0) return failed("asking", errno);
  std::vector<char> datagram(kReadBytes);
  bool is_torn = false;
  for (;;) {
    const ssize_t got = ::recv(fd_, datagram.data(), datagram.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failed("no answer", got < 0 ? errno : ECONNRESET);
    std::span<const char> rest(datagram.data(), static_cast<std::size_t>(got));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header;
      std::memcpy(&header, rest.data(), sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size())
        return base::Error{"nf_tables: an answer is malformed"};
      const auto payload = rest.subspan(sizeof header, header.nlmsg_len - sizeof header);
      rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
      if (header.nlmsg_seq != sequence) continue;  // of an answer that was given up
      is_torn = is_torn || (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      int error = 0;
      if ((header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) &&
          payload.size() >= sizeof error)
        std::memcpy(&error, payload.data(), sizeof error);
      if (error != 0) {
        if (refusal != nullptr) *refusal = -error;
        return failed("refused", -error);
      }
      if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
        if (is_torn) return base::Error{"nf_tables: the ruleset changed while it was read"};
        return {};
      }
      if (payload.size() < sizeof(nfgenmsg)) return base::Error{"nf_tables: an answer is short"};
      if (!take(payload.subspan(sizeof(nfgenmsg)))) return {};
    }
  }
}

base::Result<std::uint32_t> Kernel::generation() {
  std::uint32_t generation = 0;
  Request request(NFT_MSG_GETGEN, AF_UNSPEC, 0);
  const base::Status asked = ask(request.finish(), [&](std::span<const char> message) {
    each_attribute(message, [&](int type, std::span<const char> value) {
      if (type != NFTA_GEN_ID || value.size() != sizeof generation) return;
      std::memcpy(&generation, value.data(), sizeof generation);
      generation = __builtin_bswap32(generation);  // big endian on the wire
    });
    return false;
  });
  if (!asked) return asked.error();
  return generation;
}

base::Result<std::optional<std::vector<base::Ip>>> Kernel::elements(const Set& set,
                                                                    std::size_t limit) {
  Request request(NFT_MSG_GETSETELEM, number_of(set.family), NLM_F_DUMP);
  request.text(NFTA_SET_ELEM_LIST_TABLE, set.table);
  request.text(NFTA_SET_ELEM_LIST_SET, set.name);
  std::vector<base::Ip> found;
  const base::Status asked = ask(request.finish(), [&](std::span<const char> message) {
    add_elements(message, found);
    return found.size() <= limit;
  });
  if (!asked) return asked.error();
  if (found.size() > limit) {
    if (base::Status opened = reopen(); !opened) return opened.error();
    return std::optional<std::vector<base::Ip>>();
  }
  // A table that grows while it is walked may show an element twice.
  std::ranges::sort(found);
  found.erase(std::ranges::unique(found).begin(), found.end());
  return std::optional(std::move(found));
}

base::Result<Kernel::Element> Kernel::find(const Set& set, const base::Ip& source) {
  Request request(NFT_MSG_GETSETELEM, number_of(set.family), NLM_F_ACK);
  request.text(NFTA_SET_ELEM_LIST_TABLE, set.table);
  request.text(NFTA_SET_ELEM_LIST_SET, set.name);
  request.key(source);
  std::vector<base::Ip> found;
  Element element;
  int error = 0;
  const base::Status asked = ask(
      request.finish(),
      [&](std::span<const char> message) {
        add_elements(message, found);
        element.left_s = time_left(message);
        return true;
      },
      &error);
  if (!asked && error != ENOENT) return asked.error();
  element.is_held = asked.ok() && found.size() == 1 && found.front() == source;
  return element;
}

base::Result<std::uint32_t> Kernel::owner(const std::string& family, const std::string& table) {
  Request request(NFT_MSG_GETTABLE, number_of(family), NLM_F_ACK);
  request.text(NFTA_TABLE_NAME, table);
  std::uint32_t port = 0;
  int error = 0;
  const base::Status asked = ask(
      request.finish(),
      [&](std::span<const char> message) {
        each_attribute(message, [&](int type, std::span<const char> value) {
          if (type != NFTA_TABLE_OWNER || value.size() != sizeof port) return;
          std::memcpy(&port, value.data(), sizeof port);
          port = __builtin_bswap32(port);
        });
        return true;
      },
      &error);
  if (!asked && error != ENOENT) return asked.error();
  return port;
}

base::Result<bool> Kernel::has_table(const std::string& family, const std::string& table) {
  Request request(NFT_MSG_GETTABLE, number_of(family), NLM_F_ACK);
  request.text(NFTA_TABLE_NAME, table);
  int error = 0;
  const base::Status asked = ask(
      request.finish(), [](std::span<const char>) { return true; }, &error);
  if (asked) return true;
  // Beside "no such table": a kernel without nf_tables, or without this family of tables.
  for (const int none : {ENOENT, EINVAL, EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT})
    if (error == none) return false;
  return asked.error();
}

}  // namespace edgesentry::nft
