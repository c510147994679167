// How an unproven source is answered: the packet that is dropped becomes the reply, and leaves by
// the port on which it came.
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <cstring>

#include "plane/worker.h"

namespace edgesentry::plane {
namespace {

// Nobody else reads the bytes, and they lie together.
bool is_ours_alone(const rte_mbuf* packet) noexcept {
  return rte_pktmbuf_is_contiguous(packet) && rte_mbuf_refcnt_read(packet) == 1 &&
         RTE_MBUF_DIRECT(packet);
}

bool fill(rte_mbuf* packet, std::span<const std::uint8_t> frame) noexcept {
  const std::size_t room = packet->buf_len - rte_pktmbuf_headroom(packet);
  if (frame.size() > room) return false;
  packet->data_len = static_cast<std::uint16_t>(frame.size());
  packet->pkt_len = static_cast<std::uint32_t>(frame.size());
  packet->ol_flags = 0;  // what the NIC said of the packet that it was, or should do to it
  packet->tx_offload = 0;
  std::memcpy(rte_pktmbuf_mtod(packet, void*), frame.data(), frame.size());
  return true;
}

}  // namespace

// True when the packet, counted as dropped, now holds the reply. A packet that was only held pays
// for later ones.
bool Worker::answer(std::uint16_t index) noexcept {
  rte_mbuf* packet = burst_.packets[index];
  const wire::Probe& probe = burst_.probes[index];
  if (!is_ours_alone(packet)) {
    if (burst_.verdicts[index] == scan::Verdict::answer)
      tally_.replies_refused[index_of(scan::ReplyRefusal::buffer)].add(1);
    return false;
  }
  const std::span<const std::uint8_t> bytes = bytes_of(packet);
  if (burst_.verdicts[index] != scan::Verdict::answer) {
    responder_.note(probe, bytes, now_);
    return false;
  }
  std::array<std::uint8_t, verify::kReplyMax> frame;
  const verify::Reply reply = responder_.reply(probe, bytes, *policy_, now_, frame);
  scan::ReplyRefusal refusal = reply.refusal;
  if (reply.bytes > 0) {
    const std::uint64_t dropped = rte_pktmbuf_pkt_len(packet);
    if (fill(packet, std::span(frame).first(reply.bytes))) {
      tally_.dropped_bytes.add(dropped);
      tally_.replies[index_of(reply.kind)].add(1);
      inspector_.note_reply(probe, reply.kind, now_, *policy_);
      return true;
    }
    refusal = scan::ReplyRefusal::buffer;
  }
  tally_.replies_refused[index_of(refusal)].add(1);
  return false;
}

// What the queue has no room for was only an offer: it is freed, and the source asks again.
void Worker::send_back(const WorkerPort& port, std::span<rte_mbuf*> replies) noexcept {
  if (replies.empty()) return;
  const std::uint64_t bytes = nic::total_bytes(replies);  // the driver may free them at once
  const std::uint16_t sent = rte_eth_tx_burst(port.port, settings_.id.value, replies.data(),
                                              static_cast<std::uint16_t>(replies.size()));
  const std::span<rte_mbuf*> left = replies.subspan(sent);
  tally_.reply_bytes.add(bytes - nic::total_bytes(left));
  if (left.empty()) return;
  tally_.replies_refused[index_of(scan::ReplyRefusal::transmit)].add(left.size());
  rte_pktmbuf_free_bulk(left.data(), static_cast<unsigned>(left.size()));
}

}  // namespace edgesentry::plane
