// The questions that `edgesentry doctor` asks, by area. Private to doctor; doctor.cc puts them in
// order. Pure but for small files below the patient's root.
#pragma once

#include "doctor/finding.h"
#include "doctor/patient.h"

namespace edgesentry::doctor {

[[nodiscard]] Findings check_memory(const Patient& patient);
[[nodiscard]] Findings check_cores(const Patient& patient);
[[nodiscard]] Findings check_speed(const Patient& patient);  // of those cores
[[nodiscard]] Findings check_nodes(const Patient& patient);
[[nodiscard]] Findings check_cpu(const Patient& patient);
[[nodiscard]] Findings check_devices(const Patient& patient);
[[nodiscard]] Findings check_pci(const Patient& patient, const machine::PortPlace& port);
[[nodiscard]] Findings check_interface(const Patient& patient, const machine::PortPlace& port);
[[nodiscard]] Findings check_appliance(const Patient& patient);
[[nodiscard]] Findings check_rights(const Patient& patient);
[[nodiscard]] Findings check_kernel(const Patient& patient);

}  // namespace edgesentry::doctor
