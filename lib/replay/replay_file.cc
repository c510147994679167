#include <algorithm>

#include "replay/replay.h"

namespace edgesentry::replay {

void add(ReplaySummary& into, const ReplaySummary& from) noexcept {
  if (from.packets == 0) return;
  into.first = into.packets == 0 ? from.first : std::min(into.first, from.first);
  into.last = std::max(into.last, from.last);
  into.packets += from.packets;
  into.bytes += from.bytes;
  for (std::size_t i = 0; i < into.parsed.size(); ++i) into.parsed[i] += from.parsed[i];
  into.sources += from.sources;
  into.scans += from.scans;
  into.scanning_sources += from.scanning_sources;
  into.blocked_sources += from.blocked_sources;
  into.dropped_packets += from.dropped_packets;
}

FileReplay replay_file(wire::CaptureFile& file, Replay& replay, const Progress& progress) {
  constexpr std::uint64_t kRecordsPerProgress = 16384;
  wire::Record record;
  while (file.next(record) == wire::ReadOutcome::record) {
    replay.take(record, file.link());
    if (progress && record.number % kRecordsPerProgress == 0)
      progress(file.bytes_consumed(), file.bytes_in_all());
  }
  return {replay.finish(), file.fault()};
}

}  // namespace edgesentry::replay
