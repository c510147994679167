// Segments as a hostile sender makes them: frames shorter than they say, offsets behind their end,
// any sequence number, both sides of a few connections. Frames are copies of their exact size, so
// that a read past one is seen.
#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "fuzz/fuzz.h"
#include "payload/watch.h"
#include "signature/pattern_file.h"
#include "support/login_patterns.h"

namespace {

namespace base = edgesentry::base;
namespace payload = edgesentry::payload;
namespace scan = edgesentry::scan;
namespace signature = edgesentry::signature;
namespace wire = edgesentry::wire;

constexpr std::size_t kStep = 8;
constexpr std::size_t kTextMax = 1024;
constexpr std::uint16_t kPorts[] = {21, 22, 80, 8081};

std::shared_ptr<const signature::Database> make_database() {
  const auto compiled =
      signature::compile(signature::parse_patterns(edgesentry::test::kLoginPatterns, "p"));
  EDGESENTRY_CHECK(compiled.database != nullptr, "the patterns of this target are right");
  return compiled.database;
}

// Eight bytes a segment: side and flags, connection, text's place and length, what the header says
// of both, sequence and acknowledgement number.
wire::Probe segment(std::span<const std::uint8_t> step, signature::Side side) {
  wire::Probe probe{};
  probe.outcome = step[0] & 2 ? wire::ParseOutcome::udp : wire::ParseOutcome::tcp;
  if (step[0] & 4) probe.outcome = wire::ParseOutcome::tcp;
  probe.protocol = probe.outcome == wire::ParseOutcome::tcp ? 6 : 17;
  probe.tcp_flags = static_cast<std::uint8_t>(step[0] >> 3);
  probe.source = base::Ip::v4(0xc6336400u + (step[1] & 3));
  probe.target = base::Ip::v4(0x0a000001);
  probe.source_port = static_cast<std::uint16_t>(40'000 + (step[1] >> 2 & 3));
  probe.target_port = kPorts[step[1] >> 4 & 3];
  if (side == signature::Side::server) {
    std::swap(probe.source, probe.target);
    std::swap(probe.source_port, probe.target_port);
  }
  probe.payload_bytes = static_cast<std::uint16_t>(step[4] * (step[4] & 1 ? 256 : 1));
  probe.payload_offset = step[5];
  probe.sequence = step[6] * 0x01010101u >> (step[6] & 1 ? 24 : 0);
  probe.acknowledgement = step[7] * 0x01010101u >> (step[7] & 1 ? 24 : 0);
  return probe;
}

void run(const std::shared_ptr<const signature::Database>& database,
         std::span<const std::uint8_t> text, bool has_server) {
  signature::MatcherLimits limits;
  limits.flows_max = 3;
  limits.bytes_per_flow = 96;
  limits.bytes_per_payload = 64;
  auto made = payload::Watch::create(database, {.limits = limits, .dialogues_max = 3});
  EDGESENTRY_CHECK(made.ok(), "there is memory");
  payload::Watch& watch = *made.value();
  for (std::size_t at = 0; at + kStep <= text.size(); at += kStep) {
    const auto step = text.subspan(at, kStep);
    const bool is_server = has_server && (step[0] & 1) != 0;
    const signature::Side side = is_server ? signature::Side::server : signature::Side::client;
    const wire::Probe probe = segment(step, side);
    const std::size_t from = step[2] % text.size();
    const std::size_t size = std::min<std::size_t>(step[3], text.size() - from);
    const auto part = text.subspan(from, size);
    const std::vector<std::uint8_t> frame(part.begin(), part.end());
    const bool is_wanted = watch.wants(probe, side);
    EDGESENTRY_CHECK(!is_wanted || watch.may_want(probe, side), "a hint misses nothing");
    const payload::Notes notes = watch.look(probe, side, frame, base::milliseconds(at));
    EDGESENTRY_CHECK(notes.count <= payload::Notes::kMax, "notes are bounded");
    for (const scan::PayloadNote& note : notes.all()) {
      EDGESENTRY_CHECK(note.target == base::Ip::v4(0x0a000001), "the outside is held to account");
      EDGESENTRY_CHECK(has_server || note.kind == scan::PayloadKind::tool_named,
                       "nothing counts before a server has said something");
    }
    EDGESENTRY_CHECK(watch.own_counters().dialogues.value() <= 3, "dialogues are bounded");
  }
  EDGESENTRY_CHECK(watch.counters().faults.value() == 0, "Hyperscan takes what it is given");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::shared_ptr<const signature::Database> database = make_database();
  const std::span<const std::uint8_t> text(data, std::min(size, kTextMax));
  if (text.empty()) return 0;
  run(database, text, true);
  run(database, text, false);
  return 0;
}

std::vector<edgesentry::fuzz::Bytes> edgesentry::fuzz::seeds() {
  constexpr std::string_view kTexts[] = {
      "SSH-2.0-x 530 no cgi-bin/../ (Hydra) Authorization: HTTP/1.1 200 OK +OK",
      "Authorization: HTTP/1.1 401 no stale=true HTTP/1.1 403 230 yes\n530 no"};
  std::vector<Bytes> all;
  for (const std::string_view text : kTexts) {
    Bytes seed(text.begin(), text.end());
    for (std::uint8_t n = 0; n < 24; ++n)
      for (const int byte :
           {n % 2 + 4 + 16 * 8, n / 2 * 16, n * 3, 40, 41, 0, n * 2 + 1, n * 2 + 1})
        seed.push_back(static_cast<std::uint8_t>(byte));
    all.push_back(std::move(seed));
  }
  return all;
}
