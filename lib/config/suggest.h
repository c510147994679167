// "Did you mean": the known word nearest to a mistyped one. Pure.
#pragma once

#include <span>
#include <string_view>

namespace edgesentry::config {

// Letters to insert, remove, replace or swap with their neighbour to turn `a` into `b`.
unsigned edit_distance(std::string_view a, std::string_view b);

// Empty when nothing is near: a third of the letters may be wrong, but at least two.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace edgesentry::config
