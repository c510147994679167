// Passwords that many sources guess together at one service, each of them too few to be caught
// alone: what botnets do.
//
// Owner: one thread (control, or replay). Pure: time is passed in. Fed with a clue for each login
// that a service refused or took. Who has completed a handshake and was answered is no forger, so
// members are who they seem. A clue costs a look at no more than kMembers; memory is bounded by
// kServices x kMembers, and the service that was quiet for longest goes first.
//
// What tells guessers from people:
// - a service with many users has many who mistype. They get in. A source counts against a service
//   when it failed twice and never got in within the window, and those have to be ten, and a
//   quarter of all whose logins were refused twice or taken there;
// - people mistype three times while an attack goes on, and give up or ask for help: no fewer than
//   four failures block a member. Who tries less than that from each source is named, not blocked.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/ip.h"
#include "base/units.h"
#include "policy/crowd_finding.h"

namespace edgesentry::policy {

class LoginCrowds {
 public:
  static constexpr base::Micros kWindow = base::seconds(600);
  static constexpr std::uint32_t kServices = 64;    // watched at one time
  static constexpr std::uint32_t kMembers = 256;    // of one, within the window
  static constexpr std::uint32_t kSources = 10;     // as many as make a distributed scan (crowd.h)
  static constexpr std::uint32_t kAmong = 4;        // one in so many of those heard of
  static constexpr std::uint32_t kFailures = 2;     // that make a source one of them
  static constexpr std::uint32_t kOwnFailures = 4;  // half of what one source is blocked for alone

  LoginCrowds() : services_(kServices) {}

  // Adds what follows from the clue: `successes` > 0 is a login that was taken.
  void take(const scan::Alert& clue, base::Micros now, std::vector<CrowdFinding>& findings);

 private:
  struct Member {
    base::Ip source;
    base::Micros first, last;  // of the failures
    std::uint32_t failures = 0;
    bool got_in = false;
    bool is_reported = false, is_decided = false;
    scan::ToolName tool;
  };
  struct Service {
    base::Ip target;
    std::uint16_t port = 0;
    base::Micros last;
    std::unique_ptr<std::array<Member, kMembers>> members;  // `count` of them
    std::uint32_t count = 0;
    bool is_known = false;
    std::uint32_t sources_said = 0;
  };

  Service& service_of(const scan::Alert& clue);
  // nullptr: no place is left.
  static Member* member_of(Service& service, const base::Ip& source, bool is_taken);
  static void forget_old(Service& service, base::Micros now);
  [[nodiscard]] static std::uint32_t guilty(const Service& service);
  [[nodiscard]] static bool is_attack(const Service& service);
  static void say_whole(Service& service, const scan::Alert& clue,
                        std::vector<CrowdFinding>& findings);
  static void say_members(Service& service, std::vector<CrowdFinding>& findings);

  std::vector<Service> services_;
};

}  // namespace edgesentry::policy
