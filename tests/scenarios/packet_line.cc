#include "packet_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace edgesentry::test {
namespace {

using base::Error;
using base::Micros;
using base::Result;
using base::Status;

struct Extras {
  Micros every{}, after{};
  std::size_t repeat = 1, length = 0;
  std::uint32_t sequence = 1000;
  std::uint16_t vlan = 0;
  std::uint8_t ttl = 64;
  bool fragment = false, hop_by_hop = false, options = false, mss = false;
  std::string answer;  // empty: none
};

struct Line {
  std::string kind, detail;
  Endpoint from, to;
  Extras extras;
};

bool has_detail(const std::string& kind) {
  return kind != "udp" && kind != "session";
}

Status set_number(Extras& extras, const std::string& word, const std::string& text) {
  const auto value = parse_number(text);
  if (!value) return Error{fmt::format("'{}' is no word for a packet, or lacks a number", word)};
  if (word == "repeat")
    extras.repeat = std::min<std::size_t>(*value, kPacketsMax);
  else if (word == "len")
    extras.length = std::min<std::size_t>(*value, 1400);
  else if (word == "seq")
    extras.sequence = static_cast<std::uint32_t>(*value);
  else if (word == "vlan")
    extras.vlan = static_cast<std::uint16_t>(*value);
  else if (word == "ttl")
    extras.ttl = static_cast<std::uint8_t>(*value);
  else
    return Error{fmt::format("'{}' is no word for a packet", word)};
  return {};
}

Result<Extras> read_extras(const Words& words, std::size_t at) {
  Extras out;
  const auto next = [&] { return ++at < words.size() ? words[at] : std::string(); };
  for (; at < words.size(); ++at) {
    const std::string word = words[at];
    if (word == "every" || word == "after") {
      const auto time = parse_time(next());
      if (!time) return time.error();
      (word == "every" ? out.every : out.after) = time.value();
    } else if (word == "answer") {
      out.answer = next();
    } else if (word == "fragment") {
      out.fragment = true;
    } else if (word == "hopbyhop") {
      out.hop_by_hop = true;
    } else if (word == "options") {
      out.options = true;
    } else if (word == "mss") {
      out.mss = true;
    } else if (const Status status = set_number(out, word, next()); !status) {
      return status.error();
    }
  }
  return out;
}

PacketBuilder between(const Endpoint& from, const Endpoint& to, const Extras& extras) {
  PacketBuilder packet;
  if (extras.vlan != 0) packet.vlan(extras.vlan);
  packet.ip(from.ip, to.ip).ttl(extras.ttl);
  if (extras.fragment) packet.fragment(0, true);
  if (extras.hop_by_hop) packet.hop_by_hop();
  if (extras.options) packet.ip_options({0x94, 4, 0, 0});  // router alert, RFC 2113
  return packet;
}

std::optional<std::uint8_t> sctp_chunk(const std::string& name) {  // RFC 9260 section 3.2
  if (name == "init") return std::uint8_t{1};
  if (name == "init-ack") return std::uint8_t{2};
  if (name == "abort") return std::uint8_t{6};
  if (name == "cookie-echo") return std::uint8_t{10};
  return std::nullopt;
}

std::optional<std::uint8_t> icmp_type(const std::string& name, bool v4) {  // RFC 792, 950, 4443
  if (name == "echo") return v4 ? std::uint8_t{8} : std::uint8_t{128};
  if (name == "echo-reply") return v4 ? std::uint8_t{0} : std::uint8_t{129};
  if (name == "timestamp" && v4) return std::uint8_t{13};
  if (name == "netmask" && v4) return std::uint8_t{17};
  return std::nullopt;
}

// The packet itself, or nothing where its detail is no word of its kind.
std::optional<PacketBuilder> packet_of(const Line& line) {
  PacketBuilder packet = between(line.from, line.to, line.extras);
  const auto value = line.kind == "tcp"    ? parse_flags(line.detail)
                     : line.kind == "icmp" ? icmp_type(line.detail, line.from.ip.is_v4())
                     : line.kind == "sctp" ? sctp_chunk(line.detail)
                                           : std::optional<std::uint8_t>(0);
  if (!value) return std::nullopt;
  if (line.kind == "tcp") {
    packet.tcp(line.from.port, line.to.port, *value, line.extras.sequence,
               (*value & wire::tcp_flag::kAck) != 0 ? 7000 : 0);
    if (line.extras.mss) packet.mss();
  } else if (line.kind == "udp") {
    packet.udp(line.from.port, line.to.port);
  } else if (line.kind == "icmp") {
    packet.icmp(*value, 0, 0x00010001);
  } else if (line.kind == "sctp") {
    packet.sctp(line.from.port, line.to.port, *value);
  } else if (line.kind == "proto") {
    const auto protocol = parse_number(line.detail);
    if (!protocol || *protocol > 255) return std::nullopt;
    packet.protocol(static_cast<std::uint8_t>(*protocol));
  } else {
    return std::nullopt;
  }
  packet.payload(line.extras.length);
  return packet;
}

// Port unreachable, RFC 792 and RFC 4443 section 3.1.
PacketBuilder unreachable(const Endpoint& from, const Endpoint& to, const PacketBuilder& quoted) {
  PacketBuilder packet = between(from, to, {});
  return from.ip.is_v4() ? packet.icmp_error(3, 3, quoted) : packet.icmp_error(1, 4, quoted);
}

std::optional<PacketBuilder> answer_to(const Line& line, const PacketBuilder& asked) {
  const std::string& answer = line.extras.answer;
  if (answer == "unreachable") return unreachable(line.to, line.from, asked);
  PacketBuilder packet = between(line.to, line.from, {});
  if (answer == "udp") return packet.udp(line.to.port, line.from.port).payload(20);
  const auto flags = parse_flags(answer);
  if (!flags) return std::nullopt;
  return packet.tcp(line.to.port, line.from.port, *flags, 7000, line.extras.sequence + 1);
}

// Handshake, request, answer, and an orderly close by the client. RFC 9293 sections 3.5 and 3.6.
void add_session(const Line& line, Micros at, std::vector<TimedPacket>& into) {
  struct Step {
    bool is_client;
    std::uint8_t flags;
    std::uint32_t sequence, acknowledged;
    std::size_t payload;
  };
  constexpr std::uint32_t c = 1000, s = 7000, kRequest = 120, kAnswer = 600;
  constexpr std::uint8_t kSyn = 0x02, kAck = 0x10, kPush = 0x18, kFin = 0x11;
  const Step steps[] = {{true, kSyn, c, 0, 0},
                        {false, kSyn | kAck, s, c + 1, 0},
                        {true, kAck, c + 1, s + 1, 0},
                        {true, kPush, c + 1, s + 1, kRequest},
                        {false, kPush, s + 1, c + 1 + kRequest, kAnswer},
                        {true, kFin, c + 1 + kRequest, s + 1 + kAnswer, 0},
                        {false, kFin, s + 1 + kAnswer, c + 2 + kRequest, 0},
                        {true, kAck, c + 2 + kRequest, s + 2 + kAnswer, 0}};
  for (const Step& step : steps) {
    const Endpoint& from = step.is_client ? line.from : line.to;
    const Endpoint& to = step.is_client ? line.to : line.from;
    PacketBuilder packet = between(from, to, line.extras);
    packet.tcp(from.port, to.port, step.flags, step.sequence, step.acknowledged);
    // As kernels send it: MSS, SACK permitted, timestamps, window scale.
    if ((step.flags & kSyn) != 0)
      packet.mss().tcp_option({4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7});
    packet.payload(step.payload);
    into.push_back({at, packet});
    at = at + base::milliseconds(2);
  }
}

// "unreachable R > C of udp C:p > T:q": the router or host R tells C about C's packet.
Status add_unreachable(const Words& words, Micros at, std::vector<TimedPacket>& into) {
  if (words.size() < 9 || words[4] != "of")
    return Error{"write 'unreachable R > C of udp C:p > T:q'"};
  const auto router = parse_endpoint(words[1]), told = parse_endpoint(words[3]);
  const auto from = parse_endpoint(words[6]), to = parse_endpoint(words[8]);
  if (!router || !told || !from || !to) return Error{"'unreachable' needs four addresses"};
  const auto quoted = packet_of({words[5], words[5] == "tcp" ? "S" : "", *from, *to, {}});
  if (!quoted) return Error{fmt::format("'{}' cannot be quoted; tcp and udp can", words[5])};
  into.push_back({at, unreachable(*router, *told, *quoted)});
  return {};
}

Result<Line> read_line(const Words& words) {
  if (words.size() < 4 || words[2] != ">") return Error{"write 'KIND SOURCE > TARGET ...'"};
  const auto from = parse_endpoint(words[1]), to = parse_endpoint(words[3]);
  if (!from || !to) return Error{fmt::format("'{}' or '{}' is no address", words[1], words[3])};
  Line line{words[0], {}, *from, *to, {}};
  if (has_detail(line.kind) && words.size() < 5)
    return Error{fmt::format("'{}' needs one word more", line.kind)};
  if (has_detail(line.kind)) line.detail = words[4];
  auto extras = read_extras(words, has_detail(line.kind) ? 5 : 4);
  if (!extras) return extras.error();
  line.extras = std::move(extras).value();
  return line;
}

Status add_one(const Words& words, Micros at, std::vector<TimedPacket>& into) {
  if (words[0] == "unreachable") return add_unreachable(words, at, into);
  const auto read = read_line(words);
  if (!read) return read.error();
  const Line& line = read.value();
  if (line.kind == "session") {
    add_session(line, at, into);
    return {};
  }
  const auto packet = packet_of(line);
  if (!packet) return Error{fmt::format("'{} {}' is no packet", line.kind, line.detail)};
  into.push_back({at, *packet});
  if (line.extras.answer.empty()) return {};
  const auto answer = answer_to(line, *packet);
  if (!answer) return Error{fmt::format("'{}' is no answer", line.extras.answer)};
  into.push_back({at + line.extras.after, *answer});
  return {};
}

}  // namespace

Status expand_line(const Words& words, Micros start, std::vector<TimedPacket>& into) {
  std::vector<std::vector<std::string>> values;
  std::size_t packets = 1;
  for (const std::string& word : words) {
    values.push_back(values_of(word));
    if (values.back().empty()) return Error{fmt::format("'{}' has no values", word)};
    packets = std::max(packets, values.back().size());
  }
  Words first;
  for (const auto& choices : values) first.push_back(choices.front());
  Extras pace;
  if (words[0] != "unreachable") {
    const auto line = read_line(first);
    if (!line) return line.error();
    pace = line.value().extras;
  }
  Micros at = start;
  for (std::size_t i = 0; i < packets * pace.repeat && i < kPacketsMax; ++i) {
    Words one;
    for (const auto& choices : values) one.push_back(choices[i % packets % choices.size()]);
    if (const Status status = add_one(one, at, into); !status) return status;
    at = at + pace.every;
  }
  return {};
}

}  // namespace edgesentry::test
