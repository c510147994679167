// Any text as edgesentry.toml: problems, never an exception; and a config with problems still is
// whole, one without is accepted again.
#include <string>
#include <string_view>

#include "config/load.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace config = edgesentry::config;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const config::Loaded loaded = config::load_text(text, "edgesentry.toml");
  for (const config::Problem& problem : loaded.problems) {
    EDGESENTRY_CHECK(!problem.fault.empty(), "a problem says what is wrong");
    EDGESENTRY_CHECK(problem.to_string().find("edgesentry.toml") != std::string::npos ||
                         problem.file != "edgesentry.toml",
                     "and where");
  }
  if (!loaded.usable()) {
    EDGESENTRY_CHECK(!loaded.problems.empty(), "what is refused has a reason");
    return 0;
  }
  EDGESENTRY_CHECK(loaded.config.workers.count > 0, "a usable config has a worker");
  EDGESENTRY_CHECK(!loaded.config.segments.empty(), "and something to watch");
  return 0;
}

std::vector<edgesentry::fuzz::Bytes> edgesentry::fuzz::seeds() {
  constexpr std::string_view kTexts[] = {
      "mode = \"enforce\"\nplacement = \"inline\"\n[[segment]]\nname = \"a\"\noutside = \"eth1\"\n"
      "inside = \"eth2\"\n",
      "placement = \"tap\"\n[[segment]]\nname = \"a\"\noutside = \"net_pcap0,rx_pcap=x\"\n"
      "[networks]\ninside = [\"192.0.2.0/24\", \"2001:db8::/32\"]\n[workers]\ncount = 2\n"
      "cores = [0, 1]\nidle = \"poll\"\n[table]\nsources = \"64k\"\nblocks = 4096\n",
      "[detect]\nwatched_tcp = \"1-7,23\"\nwindow = \"1d\"\nanswer_timeout = \"4s\"\n[block]\n"
      "ladder = [\"10m\", \"1h\"]\nforget_after = \"7d\"\n[allow]\nnetworks = [\"10.0.0.0/8\"]\n",
      "[log]\nsyslog = false\nblock_command = \"/bin/true $TARGET$\"\n[metrics]\n"
      "listen = \"127.0.0.1:9465\"\n[control]\nsocket = \"/run/x.sock\"\n",
      "mode = 7\n[segment]\nname = []\n[table]\nsources = -1\nipv6_prefix = 200\n[nosuch]\n",
      "[[[",
      "a = \"\xff\xfe\"\n"};
  std::vector<Bytes> all;
  for (const std::string_view text : kTexts) all.emplace_back(text.begin(), text.end());
  return all;
}
