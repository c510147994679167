// A ledger and its nftables or XDP enforcer without the rest of the appliance, driven by lines on
// standard input: block ADDRESS SECONDS, lift ADDRESS, many FIRST COUNT SECONDS, clear FIRST COUNT,
// health, bypass on|off, stop, keep. `health` and `stop` answer with one line. nftables_test.py and
// xdp_test.py speak to it.
//
//   nft_driver EDGESENTRY-NFT MARGIN-SECONDS IPV6-PREFIX INET [DEVICE...]
//   nft_driver EDGESENTRY-XDP MARGIN-SECONDS IPV6-PREFIX xdp [DEVICE... | --OPTION...]
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

#include "enforce/nft_enforcer.h"
#include "enforce/nft_process.h"

namespace edgesentry::enforce {
namespace {

class Driver {
 public:
  Driver(NftProcess::Settings process, NftEnforcer::Names names, base::Micros margin,
         std::uint8_t prefix)
      : ledger_({.blocks_max = 1u << 21, .history_max = 1u << 21, .ipv6_prefix = prefix}),
        process_(std::move(process)),
        enforcer_(process_,
                  {.names = names, .margin = margin, .say = [](const std::string& sentence) {
                     fmt::print(stderr, "{}\n", sentence);
                   }}) {}

  void step() {
    std::array<policy::Expired, 512> expired;
    const std::size_t count = ledger_.expire(base::monotonic_now(), expired);
    for (std::size_t i = 0; i < count; ++i) order(expired[i].source);
    enforcer_.reconcile(ledger_);
  }

  // False: the end.
  bool obey(const std::string& line) {
    std::istringstream words(line);
    std::string verb, address;
    std::uint32_t first = 0, count = 0, seconds = 0;
    words >> verb;
    if (verb == "block" && words >> address >> seconds) {
      block(base::Ip::parse(address).value_or(base::Ip()), seconds);
    } else if (verb == "lift" && words >> address) {
      lift(base::Ip::parse(address).value_or(base::Ip()));
    } else if (verb == "many" && words >> first >> count >> seconds) {
      for (std::uint32_t i = 0; i < count; ++i) block(base::Ip::v4(first + i), seconds);
    } else if (verb == "clear" && words >> first >> count) {
      for (std::uint32_t i = 0; i < count; ++i) lift(base::Ip::v4(first + i));
    } else if (verb == "bypass" && words >> address) {
      enforcer_.set_bypass(address == "on");
    } else if (verb == "health") {
      show();
    } else if (verb == "stop" || verb == "keep") {
      const base::Status stopped =
          enforcer_.stop(verb == "stop" ? NftEnforcer::AtStop::remove : NftEnforcer::AtStop::keep,
                         std::chrono::seconds(5));
      fmt::print("{}\n", stopped.ok() ? "stopped" : stopped.error().text);
      std::fflush(stdout);
      return false;
    }
    return true;
  }

 private:
  void block(const base::Ip& source, std::uint32_t seconds) {
    const policy::BlockRequest request{.source = source,
                                       .origin = policy::Origin::operator_order,
                                       .duration = std::chrono::seconds(seconds),
                                       .reason = {}};
    ledger_.block(request, base::monotonic_now());
    order(source);
  }
  void lift(const base::Ip& source) {
    ledger_.lift(source, base::monotonic_now());
    order(source);
  }
  void order(const base::Ip& source) {
    const scan::Order order{ledger_.key_of(source), scan::OrderKind::block, {}};
    enforcer_.submit({&order, 1});
  }
  void show() {
    const Health health = enforcer_.health();
    fmt::print(
        R"({{"pid":{},"in_force":{},"reconciling":{},"pending":{},"programmed":{},"sent":{},)"
        R"("failures":{},"restarts":{},"repairs":{},"waiting":{},"blocked":{},"drops":{},)"
        R"("place":"{}"}})"
        "\n",
        process_.pid(), health.is_in_force, health.is_reconciling, health.pending,
        health.programmed, health.sent, health.failures, health.restarts, health.repairs,
        health.waiting, ledger_.blocked(), health.packets, enforcer_.place());
    std::fflush(stdout);
  }

  policy::Ledger ledger_;
  NftProcess process_;
  NftEnforcer enforcer_;
};

int drive(Driver& driver) {
  std::string typed;
  for (;;) {
    driver.step();
    pollfd waits{STDIN_FILENO, POLLIN, 0};
    if (::poll(&waits, 1, 5) <= 0) continue;
    std::array<char, 4096> bytes;
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got <= 0) return 0;
    typed.append(bytes.data(), static_cast<std::size_t>(got));
    for (auto end = typed.find('\n'); end != std::string::npos; end = typed.find('\n')) {
      if (!driver.obey(typed.substr(0, end))) return 0;
      typed.erase(0, end + 1);
    }
  }
}

}  // namespace
}  // namespace edgesentry::enforce

int main(int argc, char** argv) {
  using edgesentry::enforce::NftEnforcer;
  if (argc < 5) return 2;
  const auto prefix = static_cast<std::uint8_t>(std::atoi(argv[3]));
  const std::string hooks = argv[4];
  std::vector<std::string> devices, options;
  for (const std::string& word : std::vector<std::string>(argv + 5, argv + argc))
    (word.starts_with("--") ? options : devices).push_back(word);
  edgesentry::enforce::Driver driver(
      {.program = argv[1],
       .has_inet = hooks == "inet",
       .devices = devices,
       .ipv6_prefix = prefix,
       .options = options},
      hooks == "xdp" ? NftEnforcer::kXdp : NftEnforcer::Names{},
      edgesentry::base::seconds(static_cast<std::uint64_t>(std::atoi(argv[2]))), prefix);
  return edgesentry::enforce::drive(driver);
}
