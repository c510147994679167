#include "traffic.h"

#include <algorithm>
#include <utility>

namespace edgesentry::scangen {
namespace {

constexpr std::uint8_t kTcp = 6, kUdp = 17;
constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kPush = 0x08, kAck = 0x10, kUrgent = 0x20;
constexpr std::uint16_t kScannerPort = 40000;
constexpr std::size_t kEthernetBytes = 14;
constexpr int kClientSteps = 8;

std::uint8_t flags_of(Mode mode) noexcept {
  switch (mode) {
    case Mode::fin:
      return kFin;
    case Mode::null:
      return 0;
    case Mode::xmas:
      return kFin | kPush | kUrgent;
    case Mode::ack:
      return kAck;
    default:
      return kSyn;
  }
}

void put16(std::uint8_t* at, std::uint32_t value) noexcept {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}
void put32(std::uint8_t* at, std::uint32_t value) noexcept {
  put16(at, value >> 16);
  put16(at + 2, value);
}

std::uint32_t sum16(std::span<const std::uint8_t> bytes, std::uint32_t sum) noexcept {  // RFC 1071
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
  return sum;
}
std::uint16_t folded(std::uint32_t sum) noexcept {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

base::Ip plus(const base::Ip& ip, std::uint32_t offset) noexcept {
  auto bytes = ip.bytes();
  std::uint32_t low = 0;
  for (int i = 12; i < 16; ++i) low = low << 8 | bytes[static_cast<std::size_t>(i)];
  put32(bytes.data() + 12, low + offset);
  return base::Ip::from_bytes(bytes);
}

std::span<const std::uint8_t> address_bytes(const base::Ip& ip) noexcept {
  return std::span(ip.bytes()).subspan(ip.is_v4() ? 12 : 0);
}

}  // namespace

Traffic::Traffic(TrafficSettings settings) : settings_(std::move(settings)) {
  const base::Prefix& to = settings_.to;
  const unsigned host_bits = (to.address().is_v4() ? 32u : 128u) - to.length();
  hosts_ = std::uint64_t{1} << std::min(host_bits, 24u);
  if (hosts_ > 2) hosts_ -= 2;  // neither the network's nor the broadcast address
  state_ = settings_.seed;
}

std::span<const std::uint8_t> Traffic::next() {
  // Mixed: one packet in eight is the scanner's, the others are of clients that are served.
  const bool is_client = settings_.mode == Mode::mixed && random() % 8 != 0;
  const Segment segment = is_client ? client_packet() : probe();
  write_ethernet(segment.source.is_v4());
  if (settings_.mode == Mode::udp)
    write_udp(segment);
  else
    write_tcp(segment);
  size_ = std::max<std::size_t>(size_, 60);  // what Ethernet pads to, without its checksum
  return {frame_.data(), size_};
}

// splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
std::uint64_t Traffic::random() noexcept {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

// Unicast and nobody's: 1.0.0.0 to 223.255.255.255, or inside the documentation prefix
// 2001:db8::/32.
base::Ip Traffic::invented_source() noexcept {
  const std::uint64_t value = random();
  if (settings_.to.address().is_v4())
    return base::Ip::v4(
        static_cast<std::uint32_t>((1 + value % 223) << 24 | (value >> 16 & 0xffffff)));
  std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
  put32(bytes.data() + 4, static_cast<std::uint32_t>(value >> 32));
  put32(bytes.data() + 12, static_cast<std::uint32_t>(value));
  return base::Ip::from_bytes(bytes);
}

base::Ip Traffic::target(std::uint64_t index) const noexcept {
  const std::uint64_t first = settings_.to.is_host() || hosts_ <= 2 ? 0 : 1;
  return plus(settings_.to.address(), static_cast<std::uint32_t>(index % hosts_ + first));
}

Traffic::Segment Traffic::probe() {
  const std::uint64_t ports = settings_.ports.size();
  const std::uint64_t i = index_++;
  Segment out{.source = settings_.from,
              .source_port = kScannerPort,
              .flags = flags_of(settings_.mode),
              .sequence = static_cast<std::uint32_t>(random())};
  const bool is_sweep = settings_.mode == Mode::sweep;
  out.target = target(is_sweep ? i : i / ports);
  out.target_port = settings_.ports[(is_sweep ? i / hosts_ : i) % ports];
  if (settings_.mode == Mode::flood) {
    out.source = invented_source();
    out.source_port = static_cast<std::uint16_t>(1024 + random() % 64000);
    out.target = target(0);
    out.target_port = settings_.ports.front();
  }
  if ((out.flags & kAck) != 0) out.acknowledgement = static_cast<std::uint32_t>(random());
  return out;
}

// Handshake, request, answer, orderly close; sixteen connections at a time, step by step.
Traffic::Segment Traffic::client_packet() {
  struct Step {
    bool is_client;
    std::uint8_t flags;
    std::uint32_t sequence, acknowledged;
    std::uint16_t payload;
  };
  constexpr std::uint32_t kRequest = 120, kAnswer = 600;
  static constexpr std::array<Step, kClientSteps> kSteps = {
      {{true, kSyn, 0, 0, 0},
       {false, kSyn | kAck, 0, 1, 0},
       {true, kAck, 1, 1, 0},
       {true, kPush | kAck, 1, 1, kRequest},
       {false, kPush | kAck, 1, 1 + kRequest, kAnswer},
       {true, kFin | kAck, 1 + kRequest, 1 + kAnswer, 0},
       {false, kFin | kAck, 1 + kAnswer, 2 + kRequest, 0},
       {true, kAck, 2 + kRequest, 2 + kAnswer, 0}}};
  Client& client = clients_[random() % clients_.size()];
  if (client.step == 0)
    client = {invented_source(), target(random() % 4),
              static_cast<std::uint16_t>(32768 + random() % 28000),
              static_cast<std::uint16_t>(random() % 2 == 0 ? 80 : 443), 0};
  const Step& step = kSteps[static_cast<std::size_t>(client.step)];
  client.step = (client.step + 1) % kClientSteps;
  Segment out{.source = client.source,
              .target = client.target,
              .source_port = client.source_port,
              .target_port = client.target_port,
              .flags = step.flags,
              .sequence = 1000 + step.sequence,
              .acknowledgement = (step.flags & kAck) != 0 ? 1000 + step.acknowledged : 0,
              .payload = step.payload};
  if (!step.is_client) {
    std::swap(out.source, out.target);
    std::swap(out.source_port, out.target_port);
  }
  return out;
}

void Traffic::write_ethernet(bool v4) noexcept {
  std::fill(frame_.begin(), frame_.begin() + 128, std::uint8_t{0});
  std::copy(settings_.target_mac.begin(), settings_.target_mac.end(), frame_.begin());
  std::copy(settings_.source_mac.begin(), settings_.source_mac.end(), frame_.begin() + 6);
  put16(frame_.data() + 12, v4 ? 0x0800 : 0x86dd);
}

// Returns where the transport header begins; `bytes` is its length with the payload.
std::size_t Traffic::write_ip(const Segment& segment, std::uint8_t protocol,
                              std::size_t bytes) noexcept {
  std::uint8_t* ip = frame_.data() + kEthernetBytes;
  const auto source = address_bytes(segment.source), target = address_bytes(segment.target);
  const bool v4 = segment.source.is_v4();
  const std::size_t header = v4 ? 20 : 40;
  const std::size_t addresses = v4 ? 12 : 8;
  ip[0] = v4 ? 0x45 : 0x60;
  if (v4) {
    put16(ip + 2, static_cast<std::uint32_t>(header + bytes));
    put16(ip + 4, static_cast<std::uint32_t>(random() & 0xffff));
    ip[8] = 64;
    ip[9] = protocol;
  } else {
    put16(ip + 4, static_cast<std::uint32_t>(bytes));
    ip[6] = protocol;
    ip[7] = 64;
  }
  std::copy(source.begin(), source.end(), ip + addresses);
  std::copy(target.begin(), target.end(), ip + addresses + source.size());
  if (v4) put16(ip + 10, folded(sum16({ip, header}, 0)));
  size_ = kEthernetBytes + header + bytes;
  return kEthernetBytes + header;
}

void Traffic::write_tcp(const Segment& segment) noexcept {
  const std::size_t at = write_ip(segment, kTcp, 20u + segment.payload);
  std::uint8_t* tcp = frame_.data() + at;
  put16(tcp, segment.source_port);
  put16(tcp + 2, segment.target_port);
  put32(tcp + 4, segment.sequence);
  put32(tcp + 8, segment.acknowledgement);
  tcp[12] = 0x50;
  tcp[13] = segment.flags;
  put16(tcp + 14, 1024);
  std::fill_n(tcp + 20, segment.payload, std::uint8_t{'x'});
  add_checksum(segment, kTcp, at, 16);
}

void Traffic::write_udp(const Segment& segment) noexcept {
  const std::size_t at = write_ip(segment, kUdp, 8u + segment.payload);
  std::uint8_t* udp = frame_.data() + at;
  put16(udp, segment.source_port);
  put16(udp + 2, segment.target_port);
  put16(udp + 4, 8u + segment.payload);
  add_checksum(segment, kUdp, at, 6);
}

void Traffic::add_checksum(const Segment& segment, std::uint8_t protocol, std::size_t at,
                           std::size_t field) noexcept {
  const auto bytes = std::span<const std::uint8_t>(frame_).subspan(at, size_ - at);
  std::uint32_t sum = protocol + static_cast<std::uint32_t>(bytes.size());
  sum = sum16(address_bytes(segment.source), sum);
  sum = sum16(address_bytes(segment.target), sum);
  put16(frame_.data() + at + field, folded(sum16(bytes, sum)));
}

}  // namespace edgesentry::scangen
