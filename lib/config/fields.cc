#include "config/fields.h"

#include <algorithm>
#include <array>

#include "config/fields_api.h"
#include "config/fields_detection.h"
#include "config/fields_failure.h"
#include "config/fields_machine.h"
#include "config/fields_privilege.h"
#include "config/fields_response.h"

namespace edgesentry::config {
namespace {

template <std::size_t... Sizes>
constexpr auto joined(const std::array<Field, Sizes>&... parts) {
  std::array<Field, (Sizes + ...)> all{};
  auto* at = all.data();
  ((at = std::copy(parts.begin(), parts.end(), at)), ...);
  return all;
}

// In the order of the reference page.
constexpr std::array kFields = joined(kMachineFields, kDetectionFields, kResponseFields, kApiFields,
                                      kFailureFields, kPrivilegeFields);

}  // namespace

std::span<const Field> fields() {
  return kFields;
}

const Field* find_field(std::string_view key) {
  for (const Field& field : kFields)
    if (field.key == key) return &field;
  return nullptr;
}

}  // namespace edgesentry::config
