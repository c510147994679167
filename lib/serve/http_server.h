// The HTTP API's sockets, by libmicrohttpd: a few threads that wait for sockets, a few that wait
// for the control thread, one that keeps the time. Plain HTTP, or TLS by GnuTLS from PEM texts.
//
// Bounded for hostile clients: connections of all and of each, bytes of a head (the memory of a
// connection) and of a body, the time for the whole of a request and to read the reply, requests
// that wait. What is not HTTP at all, or too long in its head, is answered by the library with a
// plain page: 400, 414, 431, 505.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "serve/api.h"
#include "serve/event_feed.h"
#include "serve/http_connections.h"
#include "serve/http_listener.h"

namespace edgesentry::serve {

class HttpServer {
 public:
  struct Settings {
    HttpConnections::Limits limits;
    std::chrono::milliseconds timeout{10'000};     // for the whole of a request, and until the next
    std::chrono::milliseconds unread_max{60'000};  // until a reply has been read whole
    std::string certificate, key;                  // PEM; empty: plain HTTP
    std::size_t command_threads = 4;
  };
  // `api` and `feed` outlive the server.
  static base::Result<std::unique_ptr<HttpServer>> start(Settings settings,
                                                         std::unique_ptr<HttpListener> listener,
                                                         Api& api, EventFeed& feed);
  ~HttpServer();  // answers what is under way, ends streams, closes every connection
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

 private:
  class Engine;
  explicit HttpServer(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace edgesentry::serve
