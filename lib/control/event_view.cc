#include "control/event_view.h"

#include "report/json_lines.h"
#include "report/timestamps.h"

namespace edgesentry::control {

nlohmann::json event_view(std::uint64_t number, const report::Event& event) {
  nlohmann::json view = {{"number", number},
                         {"time", report::utc_timestamp(event.time)},
                         {"action", report::action_name(event)},
                         {"text", event.text},
                         {"stands_for", event.stands_for}};
  if (event.action != report::Action::appliance) view["source"] = event.source.to_string();
  return view;
}

}  // namespace edgesentry::control
