// Keys of the rights that the process gives up. Private to config; fields.cc puts the parts
// together.
#pragma once

#include "config/field_slots.h"

namespace edgesentry::config {

inline constexpr std::array<std::string_view, 3> kSeccomps = {"automatic", "log", "off"};
inline constexpr std::array<std::string_view, 2> kLandlocks = {"automatic", "off"};

inline constexpr std::array kPrivilegeFields = {
    Field{.key = "privilege.user",
          .slot = &in<&Config::privilege, &Privilege::user>,
          .range = {0, 31},
          .restart = true,
          .help = "User, by name or number, that the process becomes once its devices are open; "
                  "automatic: edgesentry where root has started it and there is such a user; "
                  "empty: nobody else.",
          .example = R"("edgesentry")"},
    Field{.key = "privilege.group",
          .slot = &in<&Config::privilege, &Privilege::group>,
          .range = {0, 31},
          .restart = true,
          .help = "Its group, by name or number; empty: the user's own.",
          .example = R"("edgesentry")"},
    Field{.key = "privilege.command_user",
          .slot = &in<&Config::privilege, &Privilege::command_user>,
          .range = {1, 31},
          .restart = true,
          .help = "User that log.block_command runs as; automatic: nobody where root has started "
                  "it, else the same user. A command that changes firewall rules needs root.",
          .example = R"("root")"},
    Field{.key = "privilege.capabilities",
          .slot = &in<&Config::privilege, &Privilege::capabilities>,
          .range = {0, 31},
          .restart = true,
          .help = "Capabilities kept beside those that the rest of this file needs, for drivers "
                  "that ask for more.",
          .example = R"(["CAP_NET_RAW"])"},
    Field{.key = "privilege.seccomp",
          .slot = &in<&Config::privilege, &Privilege::seccomp>,
          .restart = true,
          .help = "automatic: refuse system calls that the process never needs; log: only tell the "
                  "kernel's log of them; off: allow all.",
          .example = R"("log")",
          .words = kSeccomps},
    Field{.key = "privilege.landlock",
          .slot = &in<&Config::privilege, &Privilege::landlock>,
          .restart = true,
          .help = "automatic: close all files but those that this configuration names, where the "
                  "kernel can; off: leave it to the permissions of the files.",
          .example = R"("off")",
          .words = kLandlocks},
    Field{.key = "privilege.core_dumps",
          .slot = &in<&Config::privilege, &Privilege::core_dumps>,
          .restart = true,
          .help = "Allow core dumps, which hold keys, tokens and what was captured.",
          .example = "true"},
};

}  // namespace edgesentry::config
