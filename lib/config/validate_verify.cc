#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "config/validate.h"
#include "config/xdp.h"

namespace edgesentry::config {
namespace {

using Problems = std::vector<Problem>;

// What works, but hardly as it was meant.
void warn(Problem problem, Problems& problems) {
  problem.fatal = false;
  problems.push_back(std::move(problem));
}

void check_dark(const Config& config, const Origins& origins, Problems& problems) {
  const auto& inside = config.networks.inside;
  if (inside.empty() || origins.is_spoiled("networks.inside")) return;
  for (const base::Prefix& dark : config.networks.dark) {
    const bool is_protected = std::ranges::any_of(inside, [&](const base::Prefix& network) {
      return network.address().is_v4() == dark.address().is_v4() &&
             network.length() <= dark.length() && network.contains(dark.address());
    });
    if (!is_protected)
      problems.push_back(about(origins, "networks.dark",
                               dark.to_string() + " lies in no network of networks.inside",
                               "Add its network to inside, or remove it here"));
  }
}

// Every packet to a service passes the networks first, so one elsewhere would never be looked up.
void check_services(const Config& config, const Origins& origins, Problems& problems) {
  const auto& inside = config.networks.inside;
  if (inside.empty() || origins.is_spoiled("networks.inside")) return;
  const auto overlaps = [](const base::Prefix& a, const base::Prefix& b) {
    return a.address().is_v4() == b.address().is_v4() &&
           (a.contains(b.address()) || b.contains(a.address()));
  };
  for (const Service& service : config.networks.services)
    if (std::ranges::none_of(
            inside, [&](const base::Prefix& network) { return overlaps(network, service.where); }))
      problems.push_back(
          about(origins, "networks.services",
                fmt::format("\"{}\" lies in no network of networks.inside", service.to_string()),
                "Add its network to inside, or remove it here"));
}

void check_rates(const Config& config, const Origins& origins, Problems& problems) {
  const Verify& verify = config.verify;
  if (origins.is_spoiled("verify.replies_per_second") ||
      origins.is_spoiled("verify.replies_per_second_total") ||
      verify.replies_per_second <= verify.replies_per_second_total)
    return;
  problems.push_back(
      about(origins,
            origins.gives("verify.replies_per_second") ? "verify.replies_per_second"
                                                       : "verify.replies_per_second_total",
            fmt::format("one source may get {} replies a second, all of them together {}",
                        verify.replies_per_second, verify.replies_per_second_total),
            "Write a larger replies_per_second_total, or a smaller replies_per_second"));
}

void check_proof(const Config& config, const Origins& origins, Problems& problems) {
  const Verify& verify = config.verify;
  const bool asks = verify.proof == NeededProof::answer || verify.proof == NeededProof::handshake;
  if (!asks || origins.is_spoiled("verify.proof") || origins.is_spoiled("verify.mode")) return;
  if (verify.mode == VerifyMode::off)
    return problems.push_back(about(
        origins, "verify.proof", "asks for a proof that nobody takes when verify.mode is \"off\"",
        "Write mode = \"challenge\" or \"passive\", or proof = \"none\""));
  const bool challenges =
      verify.mode == VerifyMode::challenge && config.placement == Placement::inline_;
  // On a host it is what keeps forged sources from being dropped.
  if (config.placement == Placement::host && verify.proof == NeededProof::handshake) return;
  if (!challenges)
    return warn(about(origins, "verify.proof",
                      "only a handshake with a protected server is a proof where the appliance "
                      "sends nothing, so that hardly a scanner would be blocked",
                      "Write proof = \"none\" where nobody can forge a source, or "
                      "mode = \"challenge\" and placement = \"inline\""),
                problems);
  if (verify.proof == NeededProof::handshake && verify.deception_tcp == base::PortSet{} &&
      !origins.is_spoiled("verify.deception_tcp"))
    warn(about(origins, "verify.proof",
               "only a handshake with a protected server is a proof while no port in "
               "verify.deception_tcp offers another",
               "Name ports that scanners like, for example deception_tcp = \"23,2323,3389\""),
         problems);
}

// The kernel drops what was decided from copies of packets, and nobody was asked.
void check_forging(const Config& config, const Origins& origins, Problems& problems) {
  for (const char* key : {"mode", "placement", "verify.proof", "enforce.nftables", "enforce.xdp"})
    if (origins.is_spoiled(key)) return;
  if (config.mode != Mode::enforce || config.placement == Placement::inline_ ||
      config.verify.proof != NeededProof::automatic)
    return;
  const bool has_nftables = config.enforce.nftables == Nftables::automatic
                                ? config.placement == Placement::host
                                : config.enforce.nftables != Nftables::off;
  if (!has_nftables && xdp_interfaces(config).empty()) return;
  warn(about(
           origins, "verify.proof",
           "\"automatic\" asks for no proof where the appliance cannot send, so that a scan with a "
           "forged source has the kernel drop whoever it names",
           "Write proof = \"handshake\" to block only who completed a handshake with a server "
           "here, or proof = \"none\" where nobody can forge a source, and name in allow.networks "
           "who must never be dropped"),
       problems);
}

}  // namespace

void validate_verify(const Config& config, const Origins& origins, Problems& problems) {
  check_dark(config, origins, problems);
  check_services(config, origins, problems);
  check_rates(config, origins, problems);
  check_proof(config, origins, problems);
  check_forging(config, origins, problems);
  if (config.verify.tarpit && !config.verify.banner.empty())
    problems.push_back(about(origins, "verify.banner", "is never sent by a tarpit",
                             "Remove it, or write tarpit = false"));
}

}  // namespace edgesentry::config
