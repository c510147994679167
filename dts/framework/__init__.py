"""Framework of the test suites: a lab of network namespaces around the real appliance."""
