#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "signature/database.h"
#include "signature/matcher.h"

namespace edgesentry::signature {
namespace {

std::uint16_t some_port(const Pattern& pattern) {
  for (std::uint16_t port = 1; port < std::numeric_limits<std::uint16_t>::max(); ++port)
    if (pattern.takes(port)) return port;
  return std::numeric_limits<std::uint16_t>::max();
}

class Verifier {
 public:
  Verifier(const PatternFile& file, Matcher& matcher) : file_(file), matcher_(matcher) {}

  std::vector<config::Problem> run() {
    for (std::size_t i = 0; i < file_.patterns.size(); ++i) {
      const Pattern& pattern = file_.patterns[i];
      if (pattern.transport != Transport::udp) check(i, Transport::tcp);
      if (pattern.transport != Transport::tcp) check(i, Transport::udp);
    }
    return std::move(problems_);
  }

 private:
  void check(std::size_t index, Transport transport) {
    const Pattern& pattern = file_.patterns[index];
    for (std::size_t i = 0; i < pattern.matches.size(); ++i)
      if (!is_found(index, transport, pattern.matches[i]))
        say(pattern, fmt::format("payload {} of matches is not found over {}", i + 1,
                                 kTransportNames[static_cast<std::size_t>(transport)]));
    for (std::size_t i = 0; i < pattern.spares.size(); ++i)
      if (is_found(index, transport, pattern.spares[i]))
        say(pattern, fmt::format("payload {} of spares is found over {}", i + 1,
                                 kTransportNames[static_cast<std::size_t>(transport)]));
  }

  // Payloads are short, so one that hits more patterns than Hits holds says so of itself.
  bool is_found(std::size_t index, Transport transport, const std::string& payload) {
    const Pattern& pattern = file_.patterns[index];
    const Hits hits = matcher_.match(
        {.bytes = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()},
         .transport = transport,
         .side = pattern.side,
         .port = some_port(pattern)},
        now_);
    now_ = now_ + base::seconds(1);
    return std::ranges::find(hits.indices(), index) != hits.indices().end();
  }

  void say(const Pattern& pattern, std::string fault) {
    problems_.push_back({file_.name, pattern.line, 0, fmt::format("\"{}\"", pattern.id),
                         std::move(fault), "Mend the expression or the payload"});
  }

  const PatternFile& file_;
  Matcher& matcher_;
  base::Micros now_;
  std::vector<config::Problem> problems_;
};

}  // namespace

std::vector<config::Problem> verify(const PatternFile& file,
                                    const std::shared_ptr<const Database>& database) {
  MatcherLimits limits;
  limits.flows_max = 0;
  limits.bytes_per_payload = 64 * 1024;
  auto matcher = Matcher::create(database, limits);
  if (!matcher.ok())
    return {{file.name, 0, 0, "", matcher.error().text, "Free memory and check again"}};
  return Verifier(file, *matcher.value()).run();
}

}  // namespace edgesentry::signature
