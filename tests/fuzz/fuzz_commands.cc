// Any bytes as a request to the control thread: what is JSON is asked, and the answer is an object
// that says ok or names the error. A new control loop each time, with one blocked source.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "control/rig.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using nlohmann::json;
  const json request = json::parse(data, data + size, nullptr, false);
  if (request.is_discarded()) return 0;
  edgesentry::test::Rig rig({.workers = 1, .alert_ring = 16, .order_ring = 64, .blocks = 64});
  rig.ask({{"command", "block"}, {"address", "20.0.0.1"}});
  const json reply = rig.ask(request);
  EDGESENTRY_CHECK(reply.is_object() && reply.contains("ok") && reply["ok"].is_boolean(),
                   "a reply says whether it worked");
  if (!reply["ok"].get<bool>())
    EDGESENTRY_CHECK(reply.contains("error") && reply["error"].is_string() &&
                         !reply["error"].get_ref<const std::string&>().empty(),
                     "and if not, why");
  EDGESENTRY_CHECK(!reply.dump(-1, ' ', false, json::error_handler_t::strict).empty(),
                   "a reply can be sent: it is UTF-8 throughout");
  return 0;
}

std::vector<edgesentry::fuzz::Bytes> edgesentry::fuzz::seeds() {
  constexpr std::string_view kTexts[] = {
      R"({"command": "status"})",
      R"({"command": "top", "count": 10})",
      R"({"command": "blocked", "count": 5, "cursor": 0})",
      R"({"command": "block", "address": "20.0.0.9", "for": "10m", "reason": "because"})",
      R"({"command": "block", "address": "2001:db8::9", "for": 600})",
      R"({"command": "unblock", "address": "20.0.0.1"})",
      R"({"command": "allow", "address": "20.0.0.0/8"})",
      R"({"command": "unallow", "address": "20.0.0.0/8"})",
      R"({"command": "explain", "address": "20.0.0.1"})",
      R"({"command": "events", "since": 0, "count": 3})",
      R"({"command": "reload"})",
      R"(["block", {"a": [1, 2.5, null, true, "\u0000\ud83d\ude00"]}])"};
  std::vector<Bytes> all;
  for (const std::string_view text : kTexts) all.emplace_back(text.begin(), text.end());
  return all;
}
