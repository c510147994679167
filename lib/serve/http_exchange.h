// One request on its way through libmicrohttpd: head, body, the wait for the answer, the reply.
//
// Owner: the library's thread of the connection, but while the answer is worked out: then the
// connection is suspended and a thread of the pool has it. Private to serve.
#pragma once

#include <microhttpd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "serve/api.h"
#include "serve/event_feed.h"
#include "serve/http_connections.h"
#include "serve/job_pool.h"

namespace edgesentry::serve {

struct HttpShared {
  Api& api;
  EventFeed& feed;
  HttpConnections& connections;
  JobPool& pool;
  std::chrono::milliseconds timeout, unread_max;
};

class HttpExchange {
 public:
  HttpExchange(HttpShared& shared, MHD_Connection* connection, const char* target,
               const base::Ip& client);

  // Called for the head, for each part of the body, at its end, and when the answer is there.
  // False: give the connection up.
  [[nodiscard]] bool advance(std::string_view method, std::string_view body_part);

 private:
  enum class Stage { head, body, waiting, answered };
  [[nodiscard]] bool take_head(std::string_view method);
  [[nodiscard]] bool reads_before_refusal() const;
  [[nodiscard]] std::uint64_t unwanted_max() const;
  [[nodiscard]] bool take_part(std::string_view part);
  [[nodiscard]] bool wait_for_answer();
  [[nodiscard]] bool send(const HttpReply& reply);
  [[nodiscard]] bool send_stream();
  [[nodiscard]] std::string header(const char* name) const;

  HttpShared& shared_;
  MHD_Connection* connection_;
  HttpRequest request_;
  Stage stage_ = Stage::head;
  Api::Admission admission_;
  bool is_too_long_ = false;
  std::uint64_t received_ = 0;
  std::optional<HttpReply> reply_;  // written by the pool before it resumes the connection
};

}  // namespace edgesentry::serve
