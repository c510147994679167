// How packets leave a worker: by the peer port, or freed and counted.
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "plane/fragments.h"
#include "plane/worker.h"

namespace edgesentry::plane {

// Every packet leaves exactly once, in the order it came. A long frame is seen to on its own, after
// what came before it.
void Worker::forward(const WorkerPort& port) noexcept {
  if ((stance_ & stance::kClosed) != 0) [[unlikely]]
    return refuse_all();
  const bool may_answer = (stance_ & stance::kNoReplies) == 0;
  std::array<rte_mbuf*, nic::kBurst> blocked, replies;
  std::array<std::uint16_t, scan::kVerdictDropNames.size()> reasons{};
  std::uint16_t passing = 0, dropped = 0, answered = 0;
  for (std::uint16_t i = 0; i < burst_.count; ++i) {
    rte_mbuf* packet = burst_.packets[i];
    if (burst_.verdicts[i] != scan::Verdict::pass) {
      const scan::VerdictDrop reason = scan::reason_of(burst_.verdicts[i]);
      ++reasons[index_of(reason)];
      if (reason != scan::VerdictDrop::blocked && may_answer && answer(i)) [[unlikely]]
        replies[answered++] = packet;
      else
        blocked[dropped++] = packet;
    } else if (rte_pktmbuf_pkt_len(packet) > port.peer_room.untagged &&
               !fits(packet, port.peer_room)) [[unlikely]] {
      transmit(port, std::span(burst_.packets).first(passing));
      passing = 0;
      forward_long(port, packet);
    } else {
      burst_.packets[passing++] = packet;
    }
  }
  burst_.forget();
  if (dropped + answered > 0) {
    for (std::size_t i = 0; i < reasons.size(); ++i)
      if (reasons[i] > 0) tally_.dropped_verdict[i].add(reasons[i]);
    discard(std::span(blocked).first(dropped));
    send_back(port, std::span(replies).first(answered));
  }
  transmit(port, std::span(burst_.packets).first(passing));
}

// What the peer's queue has no room for is dropped: waiting would only move the loss to the receive
// queue and delay everybody.
void Worker::transmit(const WorkerPort& port, std::span<rte_mbuf*> leaving) noexcept {
  if (leaving.empty()) return;
  const std::uint64_t bytes = nic::total_bytes(leaving);  // the driver may free them at once
  const std::uint16_t sent = rte_eth_tx_burst(port.peer, settings_.id.value, leaving.data(),
                                              static_cast<std::uint16_t>(leaving.size()));
  const std::span<rte_mbuf*> left = leaving.subspan(sent);
  tally_.forwarded_packets.add(sent);
  tally_.forwarded_bytes.add(bytes - nic::total_bytes(left));
  if (left.empty()) return;
  tally_.dropped_fault[index_of(scan::FaultDrop::transmit_full)].add(left.size());
  discard(left);
}

// Counted as the one packet that was received, forwarded only if every fragment of it was taken.
void Worker::forward_long(const WorkerPort& port, rte_mbuf* packet) noexcept {
  std::array<rte_mbuf*, kFragmentsMax> fragments;
  const std::uint32_t bytes = rte_pktmbuf_pkt_len(packet);
  const std::uint16_t made = cut(packet, port.peer_room, fragments);
  rte_pktmbuf_free(packet);
  const std::uint16_t sent =
      made > 0 ? rte_eth_tx_burst(port.peer, settings_.id.value, fragments.data(), made)
               : std::uint16_t{0};
  if (made > 0 && sent == made) {
    tally_.forwarded_packets.add(1);
    tally_.forwarded_bytes.add(bytes);
    return;
  }
  const auto reason = made == 0 ? scan::FaultDrop::too_long : scan::FaultDrop::transmit_full;
  tally_.dropped_fault[index_of(reason)].add(1);
  tally_.dropped_bytes.add(bytes);
  rte_pktmbuf_free_bulk(fragments.data() + sent, static_cast<unsigned>(made - sent));
}

void Worker::refuse_all() noexcept {
  tally_.dropped_fault[index_of(scan::FaultDrop::closed)].add(burst_.count);
  tally_.dropped_bytes.add(nic::total_bytes(burst_.held()));
  burst_.free_all();
}

// Their owner stands still: better unseen than lost.
void Worker::pass_unowned(const WorkerPort& port, std::span<rte_mbuf*> packets) noexcept {
  for (rte_mbuf*& packet : packets) {
    if (rte_pktmbuf_pkt_len(packet) > port.peer_room.untagged && !fits(packet, port.peer_room))
      forward_long(port, packet);
    else
      transmit(port, {&packet, 1});
  }
}

void Worker::discard(std::span<rte_mbuf*> packets) noexcept {
  tally_.dropped_bytes.add(nic::total_bytes(packets));
  rte_pktmbuf_free_bulk(packets.data(), static_cast<unsigned>(packets.size()));
}

}  // namespace edgesentry::plane
