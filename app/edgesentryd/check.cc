#include "edgesentryd/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "config/listen_address.h"
#include "edgesentryd/api_server.h"
#include "edgesentryd/command_line.h"
#include "edgesentryd/controller.h"
#include "edgesentryd/privilege_needs.h"
#include "edgesentryd/xdp.h"
#include "enforce/nft_process.h"
#include "serve/socket_file.h"
#include "serve/start_check.h"

namespace edgesentry::appliance {
namespace {

struct Findings {
  std::vector<std::string> faults;    // the start ends with them
  std::vector<std::string> warnings;  // it says them and goes on

  void add(const base::Status& status) {
    if (!status) faults.push_back(status.error().text);
  }
};

void check_places(const config::Config& config, const Privilege& privilege, Findings& found) {
  bool is_alive = false;
  found.add(serve::SocketFile::check(config.control.socket, is_alive));
  if (!config.metrics.listen.empty())
    if (const auto place = config::parse_listen(config.metrics.listen); place)
      found.add(serve::check_place("metrics.listen", place.value(), is_alive));
  if (config.api.listen.empty()) return;
  if (const auto place = config::parse_api_listen(config.api.listen); place)
    found.add(serve::check_place("api.listen", place.value(), is_alive));
  found.add(check_api_files(config.api, privilege.heir()));
}

// Empty: it can be run.
std::string trouble_with_program(const std::string& program) {
  if (::access(program.c_str(), X_OK) == 0) return {};
  return fmt::format("{}: {}; install it beside edgesentryd, with mode 0755", program,
                     std::strerror(errno));
}

void check_programs(const config::Config& config, Findings& found) {
  const bool has_nft = nftables_hooks(config) != config::Nftables::off;
  const XdpPlan xdp = plan_xdp(config);
  if (has_nft)
    if (std::string trouble = trouble_with_program(nft_settings(config).program); !trouble.empty())
      found.warnings.push_back("enforce.nftables: nothing would drop: " + std::move(trouble));
  if (xdp.process)
    if (std::string trouble = trouble_with_program(xdp.process->program); !trouble.empty())
      found.warnings.push_back("enforce.xdp: nothing would drop there: " + std::move(trouble));
  if (has_nft || xdp.process || !config.log.block_command.empty())
    if (std::string trouble = trouble_with_program(enforce::beside_this_program("edgesentry-run"));
        !trouble.empty())
      found.faults.push_back(std::move(trouble));
}

std::string counted_warnings(std::size_t count) {
  return fmt::format("{} warning{}", count, count == 1 ? "" : "s");
}

}  // namespace

int check_start(const CheckRequest& request) {
  const config::Config& config = request.loaded.config;
  for (const std::string& note : request.plan.notes) request.say(note);
  Findings found;
  for (guard::OutOfReach& place : request.privilege.out_of_reach())
    (place.is_written ? found.warnings : found.faults).push_back(std::move(place.text));
  for (std::string& fault : faults_of_state(config.state))
    found.warnings.push_back(std::move(fault));
  check_places(config, request.privilege, found);
  check_programs(config, found);
  for (const std::string& warning : found.warnings) request.say("warning: " + warning);
  for (const std::string& fault : found.faults) request.say(fault);
  if (!found.faults.empty()) return kExitFailure;
  const std::size_t warnings = request.loaded.warnings() + found.warnings.size();
  fmt::print("{} is right{}, and this machine has what it names\n", config.path,
             warnings == 0 ? "" : ", with " + counted_warnings(warnings));
  return request.is_strict && warnings > 0 ? kExitConfig : kExitOk;
}

}  // namespace edgesentry::appliance
