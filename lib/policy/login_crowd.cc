#include "policy/login_crowd.h"

#include <algorithm>
#include <span>

#include "scan/severity.h"

namespace edgesentry::policy {

namespace {

base::Ip one_source(const scan::Alert& clue) {
  return clue.source.is_v4() ? clue.source
                             : base::Prefix(clue.source, clue.prefix_length).address();
}

scan::Alert about(const base::Ip& target, std::uint16_t port) {
  scan::Alert alert;
  alert.shape = scan::Shape::brute_force;
  alert.reason = scan::Reason::failed_logins;
  alert.technique = scan::Technique::tcp_connect;
  alert.protocol = 6;
  alert.ports[0] = alert.last_port = port;
  alert.targets[0] = alert.last_target = target;
  alert.port_count = alert.target_count = 1;
  alert.proven = true;  // its logins were answered
  return alert;
}

}  // namespace

void LoginCrowds::take(const scan::Alert& clue, base::Micros now,
                       std::vector<CrowdFinding>& findings) {
  Service& service = service_of(clue);
  service.last = now;
  forget_old(service, now);
  const bool is_taken = clue.successes > 0;
  Member* const member = member_of(service, one_source(clue), is_taken);
  if (member == nullptr) return;
  member->last = now;
  member->got_in |= is_taken;
  if (is_taken) return;
  if (member->failures++ == 0) member->first = now;
  if (clue.tool.confidence > member->tool.confidence) member->tool = clue.tool;
  if (!is_attack(service)) {
    service.is_known = false;
    return;
  }
  if (!service.is_known || guilty(service) >= 10 * service.sources_said)
    say_whole(service, clue, findings);
  say_members(service, findings);
}

LoginCrowds::Service& LoginCrowds::service_of(const scan::Alert& clue) {
  Service* oldest = &services_.front();
  for (Service& service : services_) {
    if (service.members && service.port == clue.last_port && service.target == clue.last_target)
      return service;
    if (oldest->members && (!service.members || service.last < oldest->last)) oldest = &service;
  }
  auto members = std::move(oldest->members);
  *oldest = Service{};
  oldest->target = clue.last_target;
  oldest->port = clue.last_port;
  oldest->members = members ? std::move(members) : std::make_unique<std::array<Member, kMembers>>();
  return *oldest;
}

// With no place left, refusals take the place of whoever got in longest ago. Others wait: a crowd
// that is larger than its memory is known by those in it.
LoginCrowds::Member* LoginCrowds::member_of(Service& service, const base::Ip& source,
                                            bool is_taken) {
  const auto members = std::span(*service.members).first(service.count);
  Member* oldest = nullptr;
  for (Member& member : members) {
    if (member.source == source) return &member;
    const bool may_go = member.got_in && !is_taken;
    if (may_go && (oldest == nullptr || member.last < oldest->last)) oldest = &member;
  }
  if (service.count < kMembers) oldest = &(*service.members)[service.count++];
  if (oldest != nullptr) *oldest = Member{.source = source, .first = {}, .last = {}, .tool = {}};
  return oldest;
}

void LoginCrowds::forget_old(Service& service, base::Micros now) {
  for (std::uint32_t i = 0; i < service.count;) {
    Member& member = (*service.members)[i];
    if (base::elapsed(member.last, now) > kWindow)
      member = (*service.members)[--service.count];
    else
      ++i;
  }
}

std::uint32_t LoginCrowds::guilty(const Service& service) {
  const auto members = std::span(*service.members).first(service.count);
  return static_cast<std::uint32_t>(std::ranges::count_if(
      members, [](const Member& m) { return m.failures >= kFailures && !m.got_in; }));
}

bool LoginCrowds::is_attack(const Service& service) {
  const auto members = std::span(*service.members).first(service.count);
  const auto got_in = static_cast<std::uint32_t>(std::ranges::count_if(members, &Member::got_in));
  const std::uint32_t count = guilty(service);
  return count >= kSources && count * kAmong >= count + got_in;
}

void LoginCrowds::say_whole(Service& service, const scan::Alert& clue,
                            std::vector<CrowdFinding>& findings) {
  scan::Alert alert = about(service.target, service.port);
  alert.kind = service.is_known ? scan::AlertKind::growth : scan::AlertKind::decision;
  service.is_known = true;
  service.sources_said = guilty(service);
  alert.source = clue.source;
  alert.prefix_length = clue.prefix_length;
  alert.source_count = service.sources_said;
  alert.worker = clue.worker;
  alert.first_seen = alert.last_seen = clue.last_seen;
  alert.tool = clue.tool;
  for (const Member& member : std::span(*service.members).first(service.count)) {
    if (member.failures < kFailures || member.got_in) continue;
    alert.failures += member.failures;
    alert.first_seen = std::min(alert.first_seen, member.first);
  }
  alert.probes = alert.failures;
  alert.confidence = scan::confidence_of(alert, 0);
  alert.severity = scan::severity_of(alert, 0);
  findings.push_back({.alert = alert, .is_whole = true, .dense = {}});
}

void LoginCrowds::say_members(Service& service, std::vector<CrowdFinding>& findings) {
  for (Member& member : std::span(*service.members).first(service.count)) {
    if (member.failures < kFailures || member.got_in || member.is_decided) continue;
    member.is_decided = member.failures >= kOwnFailures;
    if (!member.is_decided && member.is_reported) continue;
    member.is_reported = true;
    scan::Alert alert = about(service.target, service.port);
    alert.kind = member.is_decided ? scan::AlertKind::decision : scan::AlertKind::clue;
    alert.source = member.source;
    alert.probes = alert.failures = member.failures;
    alert.first_seen = member.first;
    alert.last_seen = member.last;
    alert.tool = member.tool;
    alert.confidence = scan::confidence_of(alert, 0);
    findings.push_back({.alert = alert, .is_whole = false, .dense = {}});
  }
}

}  // namespace edgesentry::policy
