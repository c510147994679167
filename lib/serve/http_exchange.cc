#include "serve/http_exchange.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <string>
#include <utility>

namespace edgesentry::serve {
namespace {

using Clock = std::chrono::steady_clock;

// What is still read of a body that nobody wants, before the connection is given up: who writes
// first and reads then would find a broken pipe in the place of the answer.
constexpr std::uint64_t kPatience = 4;
constexpr std::uint64_t kUnwantedMin = 64u << 20;
constexpr std::size_t kStreamBlock = 4096;

// The stream of a connection, as the library holds it.
struct StreamReader {
  EventFeed& feed;
  MHD_Connection* connection;
  std::shared_ptr<EventFeed::Stream> stream;
};

ssize_t read_stream(void* cls, std::uint64_t, char* out, std::size_t room) {
  auto& reader = *static_cast<StreamReader*>(cls);
  std::size_t size = 0;
  const auto progress = reader.feed.read(*reader.stream, out, room, size,
                                         [&] { MHD_suspend_connection(reader.connection); });
  if (progress == EventFeed::Progress::over) return MHD_CONTENT_READER_END_OF_STREAM;
  return static_cast<ssize_t>(size);
}

void free_stream(void* cls) {
  auto* reader = static_cast<StreamReader*>(cls);
  reader->feed.close(*reader->stream);
  delete reader;
}

MHD_Result count_authorization(void* cls, MHD_ValueKind, const char* name, const char*) {
  if (::strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0) ++*static_cast<unsigned*>(cls);
  return MHD_YES;
}

std::uint64_t length_of(const std::string& text) {
  std::uint64_t length = 0;
  const char* end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, length);
  if (text.empty()) return 0;
  return fault == std::errc() && rest == end ? length : ~std::uint64_t{0};
}

}  // namespace

HttpExchange::HttpExchange(HttpShared& shared, MHD_Connection* connection, const char* target,
                           const base::Ip& client)
    : shared_(shared), connection_(connection) {
  request_.target = target;
  request_.client = client;
}

std::string HttpExchange::header(const char* name) const {
  const char* value = MHD_lookup_connection_value(connection_, MHD_HEADER_KIND, name);
  return value == nullptr ? "" : value;
}

bool HttpExchange::advance(std::string_view method, std::string_view part) {
  switch (stage_) {
    case Stage::head:
      return take_head(method);
    case Stage::body:
      return part.empty() ? wait_for_answer() : take_part(part);
    case Stage::waiting:
      return send(reply_ ? *reply_ : problem(500, "the answer was lost"));
    case Stage::answered:
      return true;
  }
  return false;
}

bool HttpExchange::take_head(std::string_view method) {
  request_.method = method;
  request_.authorization = header(MHD_HTTP_HEADER_AUTHORIZATION);
  request_.content_type = header(MHD_HTTP_HEADER_CONTENT_TYPE);
  request_.last_event_id = header("Last-Event-ID");
  request_.content_length = length_of(header(MHD_HTTP_HEADER_CONTENT_LENGTH));
  unsigned authorizations = 0;
  MHD_get_connection_values(connection_, MHD_HEADER_KIND, &count_authorization, &authorizations);
  request_.has_two_authorizations = authorizations > 1;
  admission_ = shared_.api.admit(request_);
  shared_.connections.set_known(connection_, admission_.right != ApiRight::none);
  if (admission_.refusal && !reads_before_refusal()) return send(*admission_.refusal);
  stage_ = Stage::body;
  return true;
}

// Of strangers nothing more is read; who waits for a word before the body gets it now.
bool HttpExchange::reads_before_refusal() const {
  return admission_.right != ApiRight::none && request_.content_length > 0 &&
         request_.content_length <= unwanted_max() && header(MHD_HTTP_HEADER_EXPECT).empty();
}

std::uint64_t HttpExchange::unwanted_max() const {
  return std::max<std::uint64_t>(kPatience * shared_.api.body_max(), kUnwantedMin);
}

bool HttpExchange::take_part(std::string_view part) {
  received_ += part.size();
  const std::uint64_t limit = shared_.api.body_max();
  is_too_long_ = is_too_long_ || received_ > limit;
  if (is_too_long_) request_.body = std::string();
  if (!is_too_long_ && !admission_.refusal) request_.body += part;
  return received_ <= unwanted_max();
}

bool HttpExchange::wait_for_answer() {
  if (admission_.refusal) return send(*admission_.refusal);
  if (is_too_long_) return send(shared_.api.too_long());
  if (admission_.route->answer == ApiAnswer::stream) return send_stream();
  if (admission_.route->body == ApiBody::none && received_ > 0)
    return send(problem(400, "this request takes no body"));
  stage_ = Stage::waiting;
  shared_.connections.set_deadline(connection_, HttpConnections::kNever);
  MHD_suspend_connection(connection_);
  const bool is_taken = shared_.pool.submit([this] {
    try {
      reply_ = shared_.api.answer(admission_, request_);
    } catch (const std::exception& fault) {
      reply_ = problem(500, fault.what());
    }
    MHD_resume_connection(connection_);
  });
  if (is_taken) return true;
  shared_.api.numbers().busy.fetch_add(1, std::memory_order_relaxed);
  reply_ = busy("too many requests wait to be answered, or the appliance is stopping");
  MHD_resume_connection(connection_);
  return true;
}

bool HttpExchange::send(const HttpReply& reply) {
  stage_ = Stage::answered;
  shared_.api.numbers().count(request_.method, reply.status);
  MHD_Response* response = MHD_create_response_from_buffer(
      reply.body.size(), const_cast<char*>(reply.body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return false;
  bool is_whole =
      MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply.content_type.c_str()) ==
          MHD_YES &&
      MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES;
  for (const auto& [name, value] : reply.headers)
    is_whole =
        is_whole && MHD_add_response_header(response, name.c_str(), value.c_str()) == MHD_YES;
  const bool is_queued =
      is_whole && MHD_queue_response(connection_, reply.status, response) == MHD_YES;
  MHD_destroy_response(response);
  shared_.connections.set_deadline(connection_, Clock::now() + shared_.unread_max);
  return is_queued;
}

bool HttpExchange::send_stream() {
  auto stream = shared_.feed.open(request_.last_event_id);
  if (!stream) return send(busy("as many clients follow the events as api.streams_max allows"));
  stream->wake = [connection = connection_] { MHD_resume_connection(connection); };
  stream->cut = [&connections = shared_.connections, connection = connection_] {
    connections.cut(connection);
  };
  auto reader = std::make_unique<StreamReader>(StreamReader{shared_.feed, connection_, stream});
  MHD_Response* response = MHD_create_response_from_callback(
      MHD_SIZE_UNKNOWN, kStreamBlock, &read_stream, reader.get(), &free_stream);
  if (response == nullptr) {
    shared_.feed.close(*stream);
    return false;
  }
  static_cast<void>(reader.release());  // the response's
  stage_ = Stage::answered;
  shared_.api.numbers().count(request_.method, MHD_HTTP_OK);
  bool is_queued = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                           "text/event-stream") == MHD_YES;
  is_queued = is_queued && MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
                                                   "no-store") == MHD_YES;
  is_queued = is_queued && MHD_queue_response(connection_, MHD_HTTP_OK, response) == MHD_YES;
  MHD_destroy_response(response);
  shared_.connections.set_deadline(connection_, HttpConnections::kNever);
  return is_queued;
}

}  // namespace edgesentry::serve
