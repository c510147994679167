// `edgesentry doctor`: what this machine lacks for a configuration, and the command that mends it.
// One thread; changes nothing. 0: fit, or with warnings; 1: something fails.
#pragma once

#include <string>

namespace edgesentry::cli {

struct DoctorArguments {
  std::string path;    // of the configuration; empty: the usual one, if there is one
  std::string socket;  // empty: as the configuration says
  std::string root;    // of the machine that is looked at; empty: this one
  bool json = false;
};

[[nodiscard]] int run_doctor(const DoctorArguments& arguments);

}  // namespace edgesentry::cli
