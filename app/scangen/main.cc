// scangen: scans, floods and harmless clients, into a pcap file or onto one named interface.
//
// Seeded, paced and bounded. It sends only where --interface says so; point it at networks that are
// yours. Exit codes: 0 done, 1 not done, 2 wrong usage.
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "base/port_set.h"
#include "base/result.h"
#include "traffic.h"

namespace edgesentry::scangen {
namespace {

using base::Error;
using base::Status;

struct Arguments {
  std::string mode = "syn", from = "198.51.100.7", to, ports = "1-1000";
  std::string file, interface, source_mac, target_mac;
  std::uint64_t count = 1000, seed = 1;
  double rate = 1000, seconds = 0;
  double start = 1767225600;  // of the first record of a file: 2026-01-01
};

constexpr std::array<std::string_view, 9> kModes = {"syn", "fin",   "null",  "xmas", "ack",
                                                    "udp", "sweep", "flood", "mixed"};

class PcapFile {
 public:
  static base::Result<PcapFile> create(const std::string& path) {
    std::FILE* stream = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
    if (stream == nullptr) return Error{"cannot write " + path + ": " + std::strerror(errno)};
    PcapFile file(stream);
    const std::uint32_t header[6] = {0xa1b2c3d4, 4u << 16 | 2, 0, 0, 262144, 1};
    file.write(header, sizeof(header));
    return file;
  }
  void add(std::uint64_t micros, std::span<const std::uint8_t> frame) {
    const auto size = static_cast<std::uint32_t>(frame.size());
    const std::uint32_t header[4] = {static_cast<std::uint32_t>(micros / 1'000'000),
                                     static_cast<std::uint32_t>(micros % 1'000'000), size, size};
    write(header, sizeof(header));
    write(frame.data(), frame.size());
  }
  Status close() {
    const bool is_written = !failed_ && std::fclose(stream_.release()) == 0;
    if (!is_written) return Error{"the file could not be written completely; is the disk full?"};
    return {};
  }

 private:
  struct Close {
    void operator()(std::FILE* stream) const noexcept { std::fclose(stream); }
  };
  explicit PcapFile(std::FILE* stream) : stream_(stream) {}
  void write(const void* bytes, std::size_t size) {
    failed_ |= std::fwrite(bytes, 1, size, stream_.get()) != size;
  }
  std::unique_ptr<std::FILE, Close> stream_;
  bool failed_ = false;
};

bool parse_mac(const std::string& text, std::array<std::uint8_t, 6>& mac) {
  if (text.empty()) return true;
  unsigned b[6];
  char rest = 0;
  const int read = std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2],
                               &b[3], &b[4], &b[5], &rest);
  for (std::size_t i = 0; i < mac.size() && read == 6; ++i)
    mac[i] = static_cast<std::uint8_t>(b[i]);
  return read == 6;
}

base::Result<TrafficSettings> settings_of(const Arguments& arguments) {
  TrafficSettings out;
  const auto mode = std::find(kModes.begin(), kModes.end(), arguments.mode) - kModes.begin();
  out.mode = static_cast<Mode>(mode);
  out.seed = arguments.seed;
  const auto from = base::Ip::parse(arguments.from);
  const auto to = base::Prefix::parse(arguments.to);
  if (!from) return Error{"--from " + arguments.from + ": not an address"};
  if (!to) return Error{"--to " + arguments.to + ": not an address or CIDR block"};
  if (from->is_v4() != to->address().is_v4())
    return Error{"--from and --to are not of one family; give both in IPv4 or both in IPv6"};
  out.from = *from;
  out.to = *to;
  const auto ports = base::PortSet::parse(arguments.ports);
  if (!ports) return Error{"--ports: " + ports.error().text};
  for (std::uint32_t port = 0; port < 65536; ++port)
    if (ports.value().contains(static_cast<std::uint16_t>(port)))
      out.ports.push_back(static_cast<std::uint16_t>(port));
  if (out.ports.empty()) return Error{"--ports: at least one"};
  if (!parse_mac(arguments.source_mac, out.source_mac))
    return Error{"--source-mac: write it as 02:00:00:00:00:01"};
  if (!parse_mac(arguments.target_mac, out.target_mac))
    return Error{"--target-mac: write it as 02:00:00:00:00:02"};
  return out;
}

Status write_file(const Arguments& arguments, Traffic& traffic) {
  auto file = PcapFile::create(arguments.file);
  if (!file) return file.error();
  PcapFile pcap = std::move(file).value();
  for (std::uint64_t i = 0; i < arguments.count; ++i) {
    const double at = static_cast<double>(i) / arguments.rate;
    if (arguments.seconds > 0 && at >= arguments.seconds) break;
    pcap.add(static_cast<std::uint64_t>((arguments.start + at) * 1e6), traffic.next());
  }
  return pcap.close();
}

base::Result<int> open_interface(const std::string& name) {
  const int descriptor = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return Error{fmt::format("cannot send raw frames: {}; this needs root", std::strerror(errno))};
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
  if (address.sll_ifindex == 0 ||
      ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const Error error{fmt::format("cannot use the interface {}: {}; 'ip link' lists what there is",
                                  name, std::strerror(errno))};
    ::close(descriptor);
    return error;
  }
  return descriptor;
}

// Paced by the clock: what is due is sent, and a machine that cannot keep up sends as it can.
Status send_frames(const Arguments& arguments, Traffic& traffic) {
  using Clock = std::chrono::steady_clock;
  const auto opened = open_interface(arguments.interface);
  if (!opened) return opened.error();
  const auto started = Clock::now();
  std::uint64_t sent = 0, refused = 0;
  while (sent < arguments.count) {
    const std::chrono::duration<double> passed = Clock::now() - started;
    if (arguments.seconds > 0 && passed.count() >= arguments.seconds) break;
    const auto due = static_cast<std::uint64_t>(passed.count() * arguments.rate) + 1;
    if (sent >= due) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      continue;
    }
    for (; sent < std::min({due, arguments.count, sent + 64}); ++sent) {
      const auto frame = traffic.next();
      if (::send(opened.value(), frame.data(), frame.size(), 0) >= 0) continue;
      if (errno != ENOBUFS && errno != EAGAIN) {
        const Error error{fmt::format("sending on {} failed after {} frames: {}",
                                      arguments.interface, sent, std::strerror(errno))};
        ::close(opened.value());
        return error;
      }
      ++refused;
    }
  }
  ::close(opened.value());
  fmt::print(stderr, "scangen: {} frames on {}, {} of them refused by a full queue\n", sent,
             arguments.interface, refused);
  return {};
}

constexpr const char* kHelp =
    R"(Modes: syn, fin, null, xmas, ack and udp take every port of a target, then the
next target; sweep takes every target with a port, then the next port; flood invents a source for
every packet; mixed hides a SYN scan among clients that are served (both directions, as a mirror
port shows them).

Examples:
  scangen --to 10.0.0.1 --write scan.pcap
  scangen --mode flood --to 10.0.0.80 --ports 80 --count 1000000 --rate 1e6 --write flood.pcap
  scangen --mode sweep --to 10.0.0.0/24 --ports 22 -i veth0 --target-mac 02:00:00:00:00:02)";

void add_options(CLI::App& app, Arguments& arguments) {
  app.footer(kHelp);
  app.add_option("--mode", arguments.mode, "what to make")
      ->check(CLI::IsMember(std::vector<std::string>(kModes.begin(), kModes.end())))
      ->capture_default_str();
  app.add_option("--from", arguments.from, "the scanner")->capture_default_str();
  app.add_option("--to", arguments.to, "its targets: an address or CIDR block")->required();
  app.add_option("--ports", arguments.ports, "1-1000,3389")->capture_default_str();
  app.add_option("--count", arguments.count, "at most so many packets")
      ->check(CLI::Range(1.0, 1e10))
      ->capture_default_str();
  app.add_option("--seconds", arguments.seconds, "at most so long; 0: as long as it takes")
      ->check(CLI::Range(0.0, 86400.0));
  app.add_option("--rate", arguments.rate, "packets per second")
      ->check(CLI::Range(0.001, 1e8))
      ->capture_default_str();
  app.add_option("--seed", arguments.seed, "the same seed, the same packets")
      ->capture_default_str();
  app.add_option("--start", arguments.start, "time of a file's first record, seconds since 1970")
      ->check(CLI::Range(0.0, 4e9));
  app.add_option("--source-mac", arguments.source_mac, "02:00:00:00:00:01");
  app.add_option("--target-mac", arguments.target_mac, "02:00:00:00:00:02");
  auto* file = app.add_option("-w,--write", arguments.file, "write this pcap file; - is stdout");
  app.add_option("-i,--interface", arguments.interface, "send on this interface, as root")
      ->excludes(file);
}

int run(int argc, char** argv) {
  CLI::App app("Scans, floods and harmless clients, seeded, paced and bounded.", "scangen");
  Arguments arguments;
  add_options(app, arguments);
  app.set_version_flag("--version", "scangen " EDGESENTRY_VERSION);
  try {
    app.parse(argc, argv);
    if (arguments.file.empty() && arguments.interface.empty())
      throw CLI::RequiredError("--write FILE or --interface NAME");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  auto settings = settings_of(arguments);
  if (!settings) {
    fmt::print(stderr, "scangen: {}\n", settings.error().text);
    return 2;
  }
  Traffic traffic(std::move(settings).value());
  const Status status =
      arguments.file.empty() ? send_frames(arguments, traffic) : write_file(arguments, traffic);
  if (status.ok()) return 0;
  fmt::print(stderr, "scangen: {}\n", status.error().text);
  return 1;
}

}  // namespace
}  // namespace edgesentry::scangen

int main(int argc, char** argv) {
  try {
    return edgesentry::scangen::run(argc, argv);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "scangen: {}\n", failure.what());
    return 1;
  }
}
