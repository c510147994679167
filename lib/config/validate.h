// Rules between keys, and between keys and the machine: what one value alone cannot show to be
// wrong. Private to this folder.
//
// A key that was already refused is not complained about again. Reads the ignore file, the group
// database and what folders and programs there are; changes nothing.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/origins.h"
#include "config/problem.h"

namespace edgesentry::config {

void validate(const Config& config, const Origins& origins, std::vector<Problem>& problems);

// The part of it that concerns segments and their devices.
void validate_segments(const Config& config, const Origins& origins,
                       std::vector<Problem>& problems);

// The part of it that concerns networks and proof of source.
void validate_verify(const Config& config, const Origins& origins, std::vector<Problem>& problems);

// The part of it that concerns what is on this machine's disks: warnings.
void validate_places(const Config& config, const Origins& origins, std::vector<Problem>& problems);

// The part of it that concerns the HTTP API.
void validate_api(const Config& config, const Origins& origins, std::vector<Problem>& problems);

// Paths that the appliance writes differ from each other and from all that it reads.
void validate_paths(const Config& config, const Origins& origins, std::vector<Problem>& problems);

// The part of it that concerns users and capabilities.
void validate_privilege(const Config& config, const Origins& origins,
                        std::vector<Problem>& problems);

// The part of it that concerns options for DPDK: eal_options.cc.
void validate_eal(const Config& config, const Origins& origins, std::vector<Problem>& problems);

// A complaint about `key`, at its place in the file.
Problem about(const Origins& origins, const std::string& key, std::string fault,
              std::string remedy);

}  // namespace edgesentry::config
