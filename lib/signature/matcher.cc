#include "signature/matcher.h"

#include <fmt/format.h>
#include <hs/hs.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace edgesentry::signature {
namespace {

// Segments ahead of the one that is waited for, after which that one is taken for lost.
constexpr std::uint32_t kGapsMax = 3;

// Twice what was seen to be read behind the input; before it as well, for good measure.
constexpr std::size_t kMargin = 64;

MatcherLimits within_bounds(MatcherLimits limits) {
  limits.bytes_per_flow = std::min(limits.bytes_per_flow, kScanBytesMax);
  limits.bytes_per_request =
      std::clamp(limits.bytes_per_request, limits.bytes_per_flow, kScanBytesMax);
  limits.bytes_per_payload = std::min(limits.bytes_per_payload, kScanBytesMax);
  return limits;
}

}  // namespace

struct Matcher::Sink {
  std::span<const Pattern> patterns;
  MatcherCounters& counters;
  std::uint16_t port;
  Hits hits;
};

bool Hits::add(std::uint16_t index) noexcept {
  if (std::find(at_, at_ + count_, index) != at_ + count_) return false;
  if (count_ == kMax) {
    is_cut_ = true;
    return false;
  }
  at_[count_++] = index;
  return true;
}

void Matcher::FreeScratch::operator()(hs_scratch* scratch) const noexcept {
  hs_free_scratch(scratch);
}

void Matcher::CloseStream::operator()(hs_stream* stream) const noexcept {
  hs_close_stream(stream, nullptr, nullptr, nullptr);
}

Matcher::Matcher(std::shared_ptr<const Database> database, const MatcherLimits& limits,
                 std::shared_ptr<MatcherCounters> counters)
    : database_(std::move(database)),
      counters_(std::move(counters)),
      limits_(within_bounds(limits)),
      budget_(limits.bytes_per_second, limits.bytes_at_once),
      desk_(2 * kMargin + std::max(limits_.bytes_per_request, limits_.bytes_per_payload)) {}

Matcher::~Matcher() = default;

base::Result<std::unique_ptr<Matcher>> Matcher::create(std::shared_ptr<const Database> database,
                                                       const MatcherLimits& limits,
                                                       std::shared_ptr<MatcherCounters> counters) {
  EDGESENTRY_CHECK(database != nullptr, "the caller looks at the problems before it matches");
  if (counters == nullptr) counters = std::make_shared<MatcherCounters>();
  std::unique_ptr<Matcher> matcher(new Matcher(std::move(database), limits, std::move(counters)));
  if (const base::Status taken = matcher->take_memory(); !taken.ok()) return taken.error();
  return matcher;
}

base::Status Matcher::take_memory() {
  hs_scratch_t* scratch = nullptr;
  const auto grow = [&scratch](const hs_database_t* database) {
    return database == nullptr || hs_alloc_scratch(database, &scratch) == HS_SUCCESS;
  };
  bool is_taken = true;
  for (std::size_t each = 0; each < kDirections; ++each)
    is_taken = is_taken && grow(database_->block(each));
  for (const Side side : {Side::client, Side::server})
    is_taken = is_taken && grow(database_->stream(side));
  scratch_.reset(scratch);
  for (const Side side : {Side::client, Side::server}) {
    const hs_database_t* database = database_->stream(side);
    if (database == nullptr || !is_taken) continue;
    Pool& pool = pools_[static_cast<std::size_t>(side)];
    pool.flows = FlowTable(limits_.flows_max);
    pool.streams.resize(pool.flows.size());
    for (Stream& stream : pool.streams) {
      hs_stream_t* state = nullptr;
      is_taken = is_taken && hs_open_stream(database, 0, &state) == HS_SUCCESS;
      stream.state.reset(state);
    }
  }
  if (is_taken) return {};
  return base::Error{fmt::format(
      "no memory to look at payloads with: {} streams for each side of {} bytes each; lower their "
      "number or free memory",
      limits_.flows_max, database_->stream_bytes())};
}

int Matcher::on_match(unsigned id, unsigned long long, unsigned long long, unsigned,
                      void* context) {
  Sink& sink = *static_cast<Sink*>(context);
  const Pattern& pattern = sink.patterns[id];
  if (pattern.takes(sink.port) && sink.hits.add(static_cast<std::uint16_t>(id)))
    sink.counters.hits[static_cast<std::size_t>(pattern.kind)].add(1);
  return 0;  // anything else would end a stream for good
}

const char* Matcher::copy(std::span<const std::uint8_t> bytes) noexcept {
  EDGESENTRY_DCHECK(bytes.size() + 2 * kMargin <= desk_.size(), "callers cut to the limits");
  char* const at = desk_.data() + kMargin;
  std::memcpy(at, bytes.data(), bytes.size());
  return at;
}

// A flood to ports that nobody names must not hide the logins, nor must long conversations hide the
// beginnings of others.
bool Matcher::afford(const Payload& payload, std::size_t bytes, base::Micros now,
                     bool is_renewed) noexcept {
  const bool is_named = database_->names(direction(payload.transport, payload.side), payload.port);
  const std::uint64_t kept = is_named ? 0 : budget_.burst() / 2;
  if (budget_.take(bytes, now, std::max(kept, is_renewed ? budget_.burst() / 4 : 0))) return true;
  counters_->payloads_refused.add(1);
  counters_->bytes_refused.add(bytes);
  return false;
}

void Matcher::account(std::size_t bytes, const Hits& hits, int result) noexcept {
  counters_->payloads.add(1);
  counters_->bytes.add(bytes);
  if (hits.is_cut()) counters_->hits_cut.add(1);
  if (result != HS_SUCCESS) counters_->faults.add(1);
}

Hits Matcher::match(const Payload& payload, base::Micros now) noexcept {
  return match_alone(payload, now, false);
}

Hits Matcher::match_alone(const Payload& payload, base::Micros now, bool is_renewed) noexcept {
  if (payload.bytes.empty() || !wants(payload)) return {};
  const std::size_t size = std::min<std::size_t>(payload.bytes.size(), limits_.bytes_per_payload);
  if (size < payload.bytes.size()) counters_->bytes_past_limits.add(payload.bytes.size() - size);
  if (size == 0 || !afford(payload, size, now, is_renewed)) return {};
  Sink sink{database_->patterns(), *counters_, payload.port, {}};
  const hs_error_t result = hs_scan(database_->block(direction(payload.transport, payload.side)),
                                    copy(payload.bytes.first(size)), static_cast<unsigned>(size), 0,
                                    scratch_.get(), on_match, &sink);
  account(size, sink.hits, result);
  return sink.hits;
}

Hits Matcher::match_segment(const Payload& payload, const Segment& segment,
                            base::Micros now) noexcept {
  if (payload.bytes.empty() || !wants(payload)) return {};
  Pool& pool = pools_[static_cast<std::size_t>(payload.side)];
  if (payload.transport != Transport::tcp || pool.streams.empty()) return match(payload, now);
  const bool is_spent = spent_.contains(segment.flow, segment.sequence);
  const bool is_next_turn = is_spent && segment.turns.renew &&
                            !spent_.contains_turn(segment.flow, segment.turns.acknowledgement);
  if (is_spent && !is_next_turn) {
    counters_->bytes_past_limits.add(payload.bytes.size());
    Hits none;
    none.set_past_limit();
    return none;
  }
  Stream& stream = stream_of(pool, payload, segment);
  if (is_next_turn) {
    spent_.erase(segment.flow);
    stream.is_renewed = true;
    counters_->turns.add(1);
  }
  Hits hits = match_stream(stream, payload, segment.sequence, now);
  if (stream.scanned >= stream.limit) {
    pool.flows.release(segment.flow);
    spent_.insert(segment.flow, segment.sequence, segment.turns.acknowledgement);
    hits.set_past_limit();
  }
  return hits;
}

Hits Matcher::match_stream(Stream& stream, const Payload& payload, std::uint32_t sequence,
                           base::Micros now) noexcept {
  const auto ahead = static_cast<std::int32_t>(sequence - stream.next);
  if (ahead > 0) {
    if (++stream.gaps < kGapsMax) return look_aside(stream, payload, now);
    counters_->streams_restarted.add(1);
    restart(stream, sequence);
    return follow(stream, payload, now);
  }
  const std::uint32_t behind = stream.next - sequence;
  if (behind < payload.bytes.size()) {
    Payload fresh = payload;
    fresh.bytes = payload.bytes.subspan(behind);
    return follow(stream, fresh, now);
  }
  const bool is_known = static_cast<std::int32_t>(sequence - stream.first) >= 0;
  if (payload.side == Side::client || !is_known) return look_aside(stream, payload, now);
  counters_->seen_again.add(1);
  return {};
}

Matcher::Stream& Matcher::stream_of(Pool& pool, const Payload& payload,
                                    const Segment& segment) noexcept {
  const std::uint32_t known = pool.flows.find(segment.flow);
  if (known != FlowTable::kNone) {
    Stream& stream = pool.streams[known];
    if (segment.turns.renew && segment.turns.acknowledgement != stream.acknowledgement) {
      begin_turn(stream, payload, segment);
      stream.is_renewed = true;
      counters_->turns.add(1);
    }
    return stream;
  }
  const FlowTable::Claim claim = pool.flows.claim(segment.flow);
  counters_->streams_opened.add(1);
  if (claim.replaced) counters_->streams_replaced.add(1);
  Stream& stream = pool.streams[claim.slot];
  begin_turn(stream, payload, segment);
  stream.is_renewed = false;
  restart(stream, segment.sequence);
  return stream;
}

void Matcher::begin_turn(Stream& stream, const Payload& payload, const Segment& segment) noexcept {
  const bool is_request = segment.turns.renew && payload.side == Side::client;
  stream.scanned = 0;
  stream.limit = is_request ? limits_.bytes_per_request : limits_.bytes_per_flow;
  stream.acknowledgement = segment.turns.acknowledgement;
}

void Matcher::restart(Stream& stream, std::uint32_t sequence) noexcept {
  // Without a callback nothing is reported and no scratch is needed.
  if (hs_reset_stream(stream.state.get(), 0, nullptr, nullptr, nullptr) != HS_SUCCESS)
    counters_->faults.add(1);
  stream.first = stream.next = sequence;
  stream.gaps = 0;
}

Hits Matcher::follow(Stream& stream, const Payload& payload, base::Micros now) noexcept {
  const std::size_t whole = payload.bytes.size();
  const std::size_t size = std::min<std::size_t>(whole, stream.limit - stream.scanned);
  // A refused segment is not passed: the next ones lie ahead, and the stream starts anew there.
  if (size > 0 && !afford(payload, size, now, stream.is_renewed)) return {};
  stream.next += static_cast<std::uint32_t>(whole);
  stream.gaps = 0;
  if (size < whole) counters_->bytes_past_limits.add(whole - size);
  if (size == 0) return {};
  stream.scanned += static_cast<std::uint32_t>(size);
  Sink sink{database_->patterns(), *counters_, payload.port, {}};
  const hs_error_t result =
      hs_scan_stream(stream.state.get(), copy(payload.bytes.first(size)),
                     static_cast<unsigned>(size), 0, scratch_.get(), on_match, &sink);
  account(size, sink.hits, result);
  return sink.hits;
}

Hits Matcher::look_aside(Stream& stream, const Payload& payload, base::Micros now) noexcept {
  Payload part = payload;
  const std::uint32_t left = stream.limit - stream.scanned;
  if (part.bytes.size() > left) {
    counters_->bytes_past_limits.add(part.bytes.size() - left);
    part.bytes = part.bytes.first(left);
  }
  if (part.bytes.empty()) return {};
  counters_->out_of_order.add(1);
  stream.scanned += static_cast<std::uint32_t>(part.bytes.size());
  return match_alone(part, now, stream.is_renewed);
}

void Matcher::forget(FlowKey flow, Side side) noexcept {
  pools_[static_cast<std::size_t>(side)].flows.release(flow);
  spent_.erase(flow);
}

std::uint32_t Matcher::streams_followed() const noexcept {
  return pools_[0].flows.used() + pools_[1].flows.used();
}

}  // namespace edgesentry::signature
