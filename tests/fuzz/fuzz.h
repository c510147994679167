// What each fuzz target provides: LLVMFuzzerTestOneInput for libFuzzer, and seeds() for the smoke
// run that every `./dev test` makes (smoke_main.cc mutates the seeds with a printed random seed).
//
// A target must be a pure function of its input: an input that fails once fails always.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace edgesentry::fuzz {

using Bytes = std::vector<std::uint8_t>;

// Small inputs that reach deep into the code; made by code, so nothing binary is kept.
std::vector<Bytes> seeds();

}  // namespace edgesentry::fuzz
