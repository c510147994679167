// What is inside the packets, after the packets themselves: by the worker that has the source.
#include <rte_mbuf.h>

#include "plane/worker.h"

namespace edgesentry::plane {
namespace {

constexpr signature::Side side_of(scan::Role role) noexcept {
  return role == scan::Role::actor ? signature::Side::client : signature::Side::server;
}

}  // namespace

// What is dropped already needs no further evidence. A packet whose payload tipped the scale is
// dropped itself, with what else of its source is in the burst.
void Worker::look_inside(scan::Role role) noexcept {
  if (watch_ == nullptr || is_mute_) return;
  for (std::uint16_t i = 0; i < burst_.count; ++i) {
    if (burst_.verdicts[i] != scan::Verdict::pass) continue;
    const wire::Probe& probe = burst_.probes[i];
    if (payload::is_mute(probe) || !watch_->wants(probe, side_of(role)) ||
        !note(probe, role, burst_.packets[i]))
      continue;
    if (role == scan::Role::answer) continue;
    for (std::uint16_t later = i; later < burst_.count; ++later)
      if (burst_.probes[later].source == probe.source) burst_.verdicts[later] = scan::Verdict::drop;
  }
}

void Worker::look_inside(ProbeBatch& batch, scan::Role role) noexcept {
  if (watch_ == nullptr) return;
  for (std::uint16_t i = 0; i < batch.count; ++i) {
    const bool is_open = batch.packets[i] != nullptr && batch.verdicts[i] == scan::Verdict::pass;
    if (is_open && watch_->wants(batch.probes[i], side_of(role)))
      (void)note(batch.probes[i], role, batch.packets[i]);
  }
}

// True when the source is dropped from now on.
bool Worker::note(const wire::Probe& probe, scan::Role role, rte_mbuf* packet) noexcept {
  const payload::Notes notes = watch_->look(probe, side_of(role), bytes_of(packet), now_);
  bool is_dropped = false;
  for (const scan::PayloadNote& note : notes.all())
    is_dropped |= inspector_.note_payload(note, now_, *policy_, outbox_);
  return is_dropped;
}

}  // namespace edgesentry::plane
