#include "edgesentry-nft/session.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace edgesentry::nft {
namespace {

using enforce::NftAsk;
using enforce::NftReply;
using enforce::NftRequest;

void settle(NftReply& reply, const base::Status& status) {
  reply.is_done = status.ok();
  if (!status) reply.text = status.error().text;
}

void settle(NftReply& reply, const base::Result<bool>& mended) {
  reply.is_done = mended.ok();
  if (mended)
    reply.is_mended = mended.value();
  else
    reply.text = mended.error().text;
}

NftReply answer(const NftRequest& request, Firewall& firewall) {
  NftReply reply{.ask = request.ask, .sequence = request.sequence, .is_done = true, .text = {}};
  switch (request.ask) {
    case NftAsk::hello:
      settle(reply, firewall.mend());
      break;
    case NftAsk::check:
      settle(reply, firewall.mend());
      if (!reply.is_done) break;
      if (const auto counts = firewall.count_when_due(request.elements)) {
        reply.has_counts = counts->are_counted;
        reply.fewest = counts->fewest;
        reply.most = counts->most;
        reply.missing = counts->missing;
      }
      break;
    case NftAsk::batch:
      settle(reply, firewall.change(request.elements));
      break;
    case NftAsk::begin:
      firewall.begin();
      break;
    case NftAsk::end:
      settle(reply, firewall.sweep());
      break;
    case NftAsk::remove:
      settle(reply, firewall.remove());
      break;
    case NftAsk::quit:
      break;
  }
  return reply;
}

bool send_reply(int socket, const NftReply& reply) {
  const std::vector<std::byte> frame = enforce::encode(reply);
  ssize_t sent = -1;
  do {
    sent = ::send(socket, frame.data(), frame.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(frame.size());
}

}  // namespace

Ended serve(int socket, Firewall& firewall) {
  std::vector<std::byte> buffer(enforce::kNftFrameMax + 1);  // a longer frame shows as too long
  for (;;) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return Ended::orphan;
    if (got < 0) return Ended::broken;
    const auto request =
        enforce::decode_nft_request(std::span(buffer).first(static_cast<std::size_t>(got)));
    NftReply reply;
    if (request)
      reply = answer(request.value(), firewall);
    else
      reply.text = request.error().text;
    if (!send_reply(socket, reply)) return errno == EPIPE ? Ended::orphan : Ended::broken;
    if (request.ok() && request.value().ask == NftAsk::quit) return Ended::asked;
  }
}

}  // namespace edgesentry::nft
