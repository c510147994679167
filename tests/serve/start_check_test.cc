#include "serve/start_check.h"

#include <gtest/gtest.h>

#include "serve/http_listener.h"

namespace edgesentry::serve {
namespace {

std::string fault_of(std::string_view place, bool is_port_ours = true) {
  const base::Status status =
      check_place("api.listen", config::parse_api_listen(place).value(), is_port_ours);
  return status.ok() ? "" : status.error().text;
}

TEST(StartCheck, knows_whose_an_address_is) {
  EXPECT_EQ(fault_of("127.0.0.1:9466"), "");
  const std::string fault = fault_of("192.0.2.77:9466");
  EXPECT_TRUE(fault.starts_with("api.listen: nobody can listen on 192.0.2.77 port 9466")) << fault;
  EXPECT_TRUE(fault.ends_with("choose an address of this machine")) << fault;
}

TEST(StartCheck, takes_no_texts_that_are_not_pem) {
  const base::Status status = check_tls("garbage", "garbage");
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().text.find("name PEM files that belong together"), std::string::npos)
      << status.error().text;
}

}  // namespace
}  // namespace edgesentry::serve
