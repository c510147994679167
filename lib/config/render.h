// Values, types and ranges as an operator reads and writes them: TOML text and short words.
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "config/fields.h"

namespace edgesentry::config {

// The value as it may stand behind "key = ". `segment` is used for keys of [[segment]] only.
std::string render_value(const Field& field, const Config& config, const Segment* segment);

std::string type_words(const Field& field);   // "duration", "list of networks", "one of: ..."
std::string range_words(const Field& field);  // "1s to 7d"; empty when the type has no range
// "Write a duration from 1s to 7d, for example window = "1h"": what to do about a wrong value.
std::string what_to_write(const Field& field);

// As a TOML basic string, with quotes and escapes.
std::string toml_text(std::string_view text);

// Text from a file, safe to print: cut to that many bytes, everything but plain ASCII as '?'.
std::string printable(std::string_view text, std::size_t bytes_max = 60);

}  // namespace edgesentry::config
