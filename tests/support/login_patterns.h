// The few patterns that tests of payloads share: refusals and offers of logins, a hole, a guesser.
#pragma once

namespace edgesentry::test {

inline constexpr const char* kLoginPatterns = R"(
[[pattern]]
id = "ftp-login-failed"
kind = "login-failed"
expression = '^530 '
flags = ["multiline"]
protocol = "tcp"
side = "server"
ports = "21"
service = "ftp"
severity = "low"
description = "d"
matches = ['530 no']
spares = ['230 yes']
[[pattern]]
id = "ftp-login-ok"
kind = "login-ok"
expression = '^230 '
flags = ["multiline"]
protocol = "tcp"
side = "server"
ports = "21"
service = "ftp"
severity = "info"
description = "d"
matches = ['230 yes']
spares = ['530 no']
[[pattern]]
id = "http-login-failed"
kind = "login-failed"
expression = 'HTTP/1\.1 401 '
protocol = "tcp"
side = "server"
ports = "80"
service = "http"
severity = "low"
description = "d"
matches = ['HTTP/1.1 401 no']
spares = ['HTTP/1.1 200 yes']
[[pattern]]
id = "http-login-stale"
kind = "login-failed"
expression = 'HTTP/1\.1 401 [^\r]*\r\n[^\r]*stale=true'
protocol = "tcp"
side = "server"
ports = "80"
service = "http"
severity = "info"
description = "d"
matches = ['HTTP/1.1 401 no\r\nstale=true']
spares = ['HTTP/1.1 401 no\r\nstale=false']
[[pattern]]
id = "http-login"
kind = "login-attempt"
expression = 'Authorization: '
protocol = "any"
side = "client"
ports = "80"
service = "http"
severity = "info"
description = "d"
matches = ['Authorization: x']
spares = ['Author: x']
[[pattern]]
id = "hole"
kind = "exploit"
expression = 'cgi-bin/\.\./'
protocol = "tcp"
side = "client"
severity = "high"
description = "d"
matches = ['GET /cgi-bin/../x']
spares = ['GET /cgi-bin/x']
[[pattern]]
id = "guesser"
kind = "scanner"
expression = '\(Hydra\)'
protocol = "tcp"
side = "client"
tool = "hydra"
severity = "high"
description = "d"
matches = ['(Hydra)']
spares = ['Hydra']
)";

}  // namespace edgesentry::test
