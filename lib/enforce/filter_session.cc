#include "enforce/filter_session.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace edgesentry::enforce {
namespace {

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

NftReply answer(const NftRequest& request, Filter& filter) {
  NftReply reply{.ask = request.ask, .sequence = request.sequence, .is_done = true, .text = {}};
  switch (request.ask) {
    case NftAsk::hello:
      settle(reply, filter.mend());
      break;
    case NftAsk::check:
      settle(reply, filter.mend());
      if (!reply.is_done) break;
      if (const auto counts = filter.count_when_due(request.elements)) {
        reply.has_counts = counts->are_counted;
        reply.fewest = counts->fewest;
        reply.most = counts->most;
        reply.missing = counts->missing;
      }
      break;
    case NftAsk::batch:
      settle(reply, filter.change(request.elements));
      if (reply.is_done) break;
      reply.fewest = reply.most = filter.held_when_full();
      reply.has_counts = reply.fewest != 0;
      break;
    case NftAsk::begin:
      filter.begin();
      break;
    case NftAsk::end:
      settle(reply, filter.sweep());
      break;
    case NftAsk::pass:
      settle(reply, filter.pass());
      break;
    case NftAsk::remove:
      settle(reply, filter.remove());
      break;
    case NftAsk::quit:
      break;
  }
  reply.drops = filter.drops();
  if (request.ask == NftAsk::check && reply.is_done) reply.text = filter.place();
  return reply;
}

bool send_reply(int socket, const NftReply& reply) {
  const std::vector<std::byte> frame = encode(reply);
  ssize_t sent = -1;
  do {
    sent = ::send(socket, frame.data(), frame.size(), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(frame.size());
}

}  // namespace

base::Status prepare_session(int socket) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
    return base::Error{fmt::format(
        "descriptor {} is no packet socket; this program is started by edgesentryd", socket)};
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2})
    ::sigaction(signal, &ignore, nullptr);
  return {};
}

Ended serve(int socket, Filter& filter) {
  std::vector<std::byte> buffer(kNftFrameMax + 1);  // a longer frame shows as too long
  for (;;) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return Ended::orphan;
    if (got < 0) return Ended::broken;
    const auto request = decode_nft_request(std::span(buffer).first(static_cast<std::size_t>(got)));
    NftReply reply;
    if (request)
      reply = answer(request.value(), filter);
    else
      reply.text = request.error().text;
    if (!send_reply(socket, reply)) return errno == EPIPE ? Ended::orphan : Ended::broken;
    if (request.ok() && request.value().ask == NftAsk::quit) return Ended::asked;
  }
}

}  // namespace edgesentry::enforce
