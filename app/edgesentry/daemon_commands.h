// The commands that a running edgesentryd answers: status, top, blocked, block, unblock, allow,
// allowed, unallow, bypass, explain, events, history, reload. One thread. 0: done; 1: refused, or
// no answer.
#pragma once

#include <cstdint>
#include <string>

namespace edgesentry::cli {

struct DaemonArguments {
  std::string socket = "/run/edgesentry/control.sock";
  std::string command;
  std::string address;   // an address or CIDR block, where the command wants one
  std::string duration;  // block: "10m", as in the configuration; empty: the ladder decides
  std::string reason;
  std::string state;   // of the bypass: on, off
  std::string within;  // blocked: only sources inside this CIDR block
  std::string family;  // blocked: only "ipv4" or "ipv6"
  std::string technique;
  std::string shape;
  std::string list;          // block, unblock: a file of addresses, one a line; "-": standard input
  bool is_trial = false;     // reload: only say what it would do
  std::string action;        // history: only of this kind
  std::string since;         // history: how long ago, "7d"
  std::string until;         // history: how long ago they end
  std::uint64_t before = 0;  // history: only before this number
  unsigned count =
      0;  // top, events, history: at most so many; 0: as many as the appliance thinks fit
  bool once = false;    // top: one picture, no refreshing
  bool follow = false;  // events: go on until interrupted
  bool json = false;
};

[[nodiscard]] int run_daemon_command(const DaemonArguments& arguments);

}  // namespace edgesentry::cli
