// Payloads of suspects, looked at by the patterns: packet by packet, or as streams of TCP.
//
// Owner: one worker (or replay). Everything is taken when it is made; after that nothing allocates,
// throws or waits. What it costs is bounded four times: by ports that nobody asks for (wants()), by
// bytes of a payload, by bytes of each direction of a connection, and by bytes a second over all.
// Ports that no pattern names leave half of what a moment may take to those that one does. What a
// bound cuts off is counted. Time is passed in, as everywhere.
//
// A stream is followed in order only. What comes out of order is looked at by itself, and a stream
// that lost a segment starts anew behind the gap; so a pattern across lost bytes is missed, while
// segments thrown in far ahead do not end the stream. Bytes seen again are not counted twice where
// a protected host sent them, and are looked at by themselves where the source did: it may have
// sent something else the second time.
//
// Where logins are, a direction has its bytes anew with each turn of the conversation (Turns): an
// answer stands at the start of one, while a transfer is one long turn.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/counter.h"
#include "base/result.h"
#include "base/units.h"
#include "signature/database.h"
#include "signature/flow_table.h"
#include "signature/spent_flows.h"
#include "signature/token_bucket.h"

struct hs_scratch;
struct hs_stream;

namespace edgesentry::signature {

// Each of the limits in bytes is cut to this.
inline constexpr std::uint32_t kScanBytesMax = 64 * 1024;

struct MatcherLimits {
  std::uint64_t bytes_per_second = 32 * 1024 * 1024;
  std::uint64_t bytes_at_once = 1024 * 1024;  // of the budget, after a pause
  std::uint32_t flows_max = 1024;             // followed at one time, for each side
  std::uint32_t bytes_per_flow = 4096;        // of a turn, where there are turns
  // Of a client's turn: room for the padding that a server still takes before a password.
  std::uint32_t bytes_per_request = 16384;
  std::uint32_t bytes_per_payload = 2048;  // of a payload by itself
};

struct Payload {
  std::span<const std::uint8_t> bytes;
  Transport transport = Transport::tcp;  // tcp or udp
  Side side = Side::client;              // who sent it
  std::uint16_t port = 0;                // of the protected host, whoever sent it
};

// Whether a direction may be looked at again in each turn. A turn begins with the first segment
// that acknowledges something else than the one before: the other side spoke in between.
struct Turns {
  std::uint32_t acknowledgement = 0;
  bool renew = false;
};

struct Segment {
  FlowKey flow;  // of this direction (flow_key.h)
  std::uint32_t sequence = 0;
  Turns turns{};
};

// Indices into Database::patterns(), each once.
class Hits {
 public:
  static constexpr std::size_t kMax = 8;
  [[nodiscard]] std::span<const std::uint16_t> indices() const noexcept { return {at_, count_}; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  // There were more than fit.
  [[nodiscard]] bool is_cut() const noexcept { return is_cut_; }
  // Some of it was not looked at, for the direction's bytes were spent.
  [[nodiscard]] bool is_past_limit() const noexcept { return is_past_limit_; }
  void set_past_limit() noexcept { is_past_limit_ = true; }
  // False: known already, or no room.
  bool add(std::uint16_t index) noexcept;

 private:
  std::uint16_t at_[kMax] = {};
  std::uint8_t count_ = 0;
  bool is_cut_ = false;
  bool is_past_limit_ = false;
};

struct alignas(base::kCacheLine) MatcherCounters {
  base::Counter payloads;           // looked at, by themselves or in a stream
  base::Counter bytes;              // of these
  base::Counter payloads_refused;   // the budget was used up
  base::Counter bytes_refused;      // of these
  base::Counter bytes_past_limits;  // behind bytes_per_payload and bytes_per_flow
  base::Counter turns;              // looked at again
  base::Counter streams_opened;     // directions of connections
  base::Counter streams_replaced;   // gave their place to a newer one
  base::Counter streams_restarted;  // behind a gap
  base::Counter out_of_order;       // segments looked at by themselves
  base::Counter seen_again;         // retransmissions left alone
  base::Counter hits_cut;           // payloads with more hits than Hits holds
  base::Counter faults;             // refusals of Hyperscan: none are expected
  std::array<base::Counter, kKinds> hits;
};

class Matcher {
 public:
  // The error names what could not be had (memory, in practice). `counters` are those of the
  // matcher that this one is to take the place of; nullptr: it has its own.
  static base::Result<std::unique_ptr<Matcher>> create(
      std::shared_ptr<const Database> database, const MatcherLimits& limits,
      std::shared_ptr<MatcherCounters> counters = nullptr);
  ~Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  [[nodiscard]] const Database& database() const noexcept { return *database_; }
  [[nodiscard]] bool wants(const Payload& payload) const noexcept {
    return database_->wants(direction(payload.transport, payload.side), payload.port);
  }

  // A payload by itself.
  Hits match(const Payload& payload, base::Micros now) noexcept;
  // The next segment of a TCP connection's one direction.
  Hits match_segment(const Payload& payload, const Segment& segment, base::Micros now) noexcept;
  // The connection is over (FIN or RST of that direction): its place is free again.
  void forget(FlowKey flow, Side side) noexcept;

  [[nodiscard]] const MatcherCounters& counters() const noexcept { return *counters_; }
  [[nodiscard]] std::uint32_t streams_followed() const noexcept;

 private:
  struct FreeScratch {
    void operator()(hs_scratch* scratch) const noexcept;
  };
  struct CloseStream {
    void operator()(hs_stream* stream) const noexcept;
  };
  struct Stream {
    std::unique_ptr<hs_stream, CloseStream> state;
    std::uint32_t first = 0;            // sequence number it started at
    std::uint32_t next = 0;             // ... and goes on at
    std::uint32_t scanned = 0;          // bytes, of this turn
    std::uint32_t limit = 0;            // ... and how many there may be
    std::uint32_t acknowledgement = 0;  // the turn's
    bool is_renewed = false;            // not the first turn
    std::uint32_t gaps = 0;             // segments ahead of `next`, one after the other
  };
  struct Pool {
    FlowTable flows{0};
    std::vector<Stream> streams;
  };
  struct Sink;

  Matcher(std::shared_ptr<const Database> database, const MatcherLimits& limits,
          std::shared_ptr<MatcherCounters> counters);
  base::Status take_memory();
  Stream& stream_of(Pool& pool, const Payload& payload, const Segment& segment) noexcept;
  void begin_turn(Stream& stream, const Payload& payload, const Segment& segment) noexcept;
  void restart(Stream& stream, std::uint32_t sequence) noexcept;
  Hits follow(Stream& stream, const Payload& payload, base::Micros now) noexcept;
  Hits look_aside(Stream& stream, const Payload& payload, base::Micros now) noexcept;
  Hits match_alone(const Payload& payload, base::Micros now, bool is_renewed) noexcept;
  const char* copy(std::span<const std::uint8_t> bytes) noexcept;
  Hits match_stream(Stream& stream, const Payload& payload, std::uint32_t sequence,
                    base::Micros now) noexcept;
  bool afford(const Payload& payload, std::size_t bytes, base::Micros now,
              bool is_renewed) noexcept;
  void account(std::size_t bytes, const Hits& hits, int result) noexcept;
  static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                      void* context);

  std::shared_ptr<const Database> database_;
  std::shared_ptr<MatcherCounters> counters_;
  MatcherLimits limits_;
  TokenBucket budget_;
  std::unique_ptr<hs_scratch, FreeScratch> scratch_;
  std::array<Pool, kSides> pools_;
  SpentFlows spent_;
  std::vector<char> desk_;  // one payload, with margins
};

}  // namespace edgesentry::signature
